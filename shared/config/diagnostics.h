// Mistakes in a configuration, each with its place and its remedy; all of them at once.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sonde::config {

/// Printed as `FILE:LINE:COL: path.to.key: what is wrong; what would be right`. Line and column count from 1.
struct Diagnostic {
  std::string file;
  int line = 1;
  int column = 1;
  std::string path;    ///< "probes.latency.rate", "sites[2].name"; empty for the file as a whole
  std::string what;    ///< what is wrong
  std::string remedy;  ///< what would be right
  bool operator==(const Diagnostic&) const = default;

  std::string str() const;
};

template <typename T>
struct Parsed {
  std::optional<T> value;  ///< only where there is no diagnostic
  std::vector<Diagnostic> diagnostics;
};

/// What the operator wrote, cut where it is long, for messages and paths; never inside a UTF-8 character.
std::string shortened(std::string_view text);

/// One diagnostic a line, ordered by line and column.
std::string to_text(const std::vector<Diagnostic>& diagnostics);

}  // namespace sonde::config
