// Colours the edges of a multigraph with few colours so that no two at one node are equal; private to packing.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "coordinator/core/packing.h"

namespace sonde {

class EdgeColouring {
 public:
  /// `colours` is aimed at; more are taken where an edge finds no place.
  EdgeColouring(std::span<const Job> edges, std::uint32_t nodes, std::uint32_t colours);

  /// Edges are added one after another; the order decides how good the result is.
  void add(std::uint32_t edge);
  const std::vector<std::uint32_t>& colours() const { return colour_of_; }
  std::uint32_t used() const;

 private:
  static constexpr std::uint32_t none = 0xFFFF'FFFF;

  std::optional<std::uint32_t> common_free(std::uint32_t u, std::uint32_t v);
  std::vector<std::uint32_t> first_free(std::uint32_t node) const;
  bool recolour_for(std::uint32_t edge);
  bool walk(std::uint32_t from, std::uint32_t to, std::uint32_t a, std::uint32_t b);
  void flip(std::uint32_t a, std::uint32_t b);
  void put(std::uint32_t edge, std::uint32_t colour);
  void lift(std::uint32_t edge);
  void grow();
  bool is_free(std::uint32_t node, std::uint32_t colour) const { return at_[node][colour] == none; }

  std::span<const Job> edges_;
  std::uint32_t limit_;                           ///< colours that may be used
  std::vector<std::vector<std::uint32_t>> at_;    ///< [node][colour]: the edge, or none
  std::vector<std::vector<std::uint64_t>> busy_;  ///< [node]: a bit for each colour
  std::vector<std::size_t> first_word_;           ///< [node]: words before it are full
  std::vector<std::uint32_t> colour_of_;
  std::vector<std::uint32_t> path_;
  std::uint64_t steps_left_;
};

}  // namespace sonde
