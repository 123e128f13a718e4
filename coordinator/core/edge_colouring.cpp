#include "coordinator/core/edge_colouring.h"

#include <algorithm>
#include <bit>

namespace sonde {
namespace {

/// Kempe chains tried for one edge: this many free colours at each end.
constexpr std::size_t colours_tried = 6;
/// Steps along all chains together; bounds the time whatever the mesh (about half a second).
constexpr std::uint64_t most_steps = 30'000'000;

}  // namespace

EdgeColouring::EdgeColouring(std::span<const Job> edges, std::uint32_t nodes, std::uint32_t colours)
    : edges_(edges),
      limit_(0),
      at_(nodes),
      busy_(nodes),
      first_word_(nodes),
      colour_of_(edges.size(), none),
      steps_left_(most_steps) {
  while (limit_ < colours) grow();
}

void EdgeColouring::grow() {
  ++limit_;
  for (auto& row : at_) row.push_back(none);
  if (limit_ % 64 == 1)
    for (auto& row : busy_) row.push_back(0);
}

void EdgeColouring::put(std::uint32_t edge, std::uint32_t colour) {
  colour_of_[edge] = colour;
  for (const std::uint32_t node : {edges_[edge].a, edges_[edge].b}) {
    at_[node][colour] = edge;
    busy_[node][colour / 64] |= std::uint64_t{1} << (colour % 64);
  }
}

void EdgeColouring::lift(std::uint32_t edge) {
  const std::uint32_t colour = colour_of_[edge];
  for (const std::uint32_t node : {edges_[edge].a, edges_[edge].b}) {
    at_[node][colour] = none;
    busy_[node][colour / 64] &= ~(std::uint64_t{1} << (colour % 64));
    first_word_[node] = std::min<std::size_t>(first_word_[node], colour / 64);
  }
}

std::optional<std::uint32_t> EdgeColouring::common_free(std::uint32_t u, std::uint32_t v) {
  for (const std::uint32_t node : {u, v}) {
    std::size_t& word = first_word_[node];
    while (word < busy_[node].size() && busy_[node][word] == ~std::uint64_t{0}) ++word;
  }
  for (std::size_t word = std::max(first_word_[u], first_word_[v]); word < busy_[u].size(); ++word) {
    const std::uint64_t free = ~(busy_[u][word] | busy_[v][word]);
    if (free == 0) continue;
    const auto colour = static_cast<std::uint32_t>(word * 64) + static_cast<std::uint32_t>(std::countr_zero(free));
    if (colour < limit_) return colour;
  }
  return std::nullopt;
}

std::vector<std::uint32_t> EdgeColouring::first_free(std::uint32_t node) const {
  std::vector<std::uint32_t> colours;
  for (std::size_t word = first_word_[node]; word < busy_[node].size(); ++word)
    for (std::uint64_t free = ~busy_[node][word]; free != 0; free &= free - 1) {
      const auto colour = static_cast<std::uint32_t>(word * 64) + static_cast<std::uint32_t>(std::countr_zero(free));
      if (colour >= limit_ || colours.size() >= colours_tried) return colours;
      colours.push_back(colour);
    }
  return colours;
}

/// Follows the chain of colours a, b, a ... from one node into path_; false where it ends at `to` or the steps are
/// spent.
bool EdgeColouring::walk(std::uint32_t from, std::uint32_t to, std::uint32_t a, std::uint32_t b) {
  path_.clear();
  std::uint32_t node = from;
  for (std::uint32_t colour = a; !is_free(node, colour); colour = colour == a ? b : a) {
    if (steps_left_ == 0) return false;
    --steps_left_;
    const std::uint32_t edge = at_[node][colour];
    path_.push_back(edge);
    const Job& job = edges_[edge];
    if (job.a == job.b) break;
    node = job.a == node ? job.b : job.a;
  }
  return node != to;
}

/// Swaps a and b along path_.
void EdgeColouring::flip(std::uint32_t a, std::uint32_t b) {
  std::vector<std::uint32_t> swapped;
  for (const std::uint32_t edge : path_) {
    swapped.push_back(colour_of_[edge] == a ? b : a);
    lift(edge);
  }
  for (std::size_t i = 0; i < path_.size(); ++i) put(path_[i], swapped[i]);
}

/// Makes a colour that is free at one end free at the other end too.
bool EdgeColouring::recolour_for(std::uint32_t edge) {
  const Job& job = edges_[edge];
  for (const std::uint32_t a : first_free(job.a))
    for (const std::uint32_t b : first_free(job.b))
      if (walk(job.b, job.a, a, b)) {
        flip(a, b);
        put(edge, a);
        return true;
      }
  return false;
}

void EdgeColouring::add(std::uint32_t edge) {
  const auto colour = common_free(edges_[edge].a, edges_[edge].b);
  if (colour) return put(edge, *colour);
  if (edges_[edge].a != edges_[edge].b && recolour_for(edge)) return;
  grow();
  put(edge, limit_ - 1);
}

std::uint32_t EdgeColouring::used() const {
  std::uint32_t most = 0;
  for (const std::uint32_t colour : colour_of_)
    if (colour != none) most = std::max(most, colour + 1);
  return most;
}

}  // namespace sonde
