// YAML (and JSON, which is YAML too) as a tree that knows where each value stands. Total on arbitrary bytes: every text
// gives a tree or a diagnostic, never an exception.
//
// A configuration needs plain values only, so anchors, aliases, explicit tags and keys that are not words are refused;
// that also bounds what a small text can grow to. The YAML library keeps the first of two equal keys silently; here
// both places are named.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/config/diagnostics.h"

namespace sonde::config {

inline constexpr std::size_t max_text_bytes = 4U << 20;
inline constexpr std::size_t max_depth = 32;
inline constexpr std::size_t max_nodes = 500'000;

/// A key of a mapping and where it stands (from 1).
struct Key {
  std::string text;
  int line = 1;
  int column = 1;
};

/// One value and where it begins (from 1).
struct Node {
  enum class Kind : std::uint8_t { null, scalar, list, map };
  Kind kind = Kind::null;
  int line = 1;
  int column = 1;
  bool quoted = false;      ///< a scalar in quotes: never `off`, `true` or a number by accident
  std::string text;         ///< of a scalar
  std::vector<Key> keys;    ///< of a map: keys[i] belongs to items[i]; a duplicate stays in, behind the first
  std::vector<Node> items;  ///< of a list or a map

  /// The value of the first such key; nullptr where there is none.
  const Node* find(std::string_view key) const;
};

struct Tree {
  std::optional<Node> root;  ///< nullopt where the text is no YAML; of an empty text: a null node
  std::vector<Diagnostic> diagnostics;
};

Tree read_yaml(std::string_view text, const std::string& file);

}  // namespace sonde::config
