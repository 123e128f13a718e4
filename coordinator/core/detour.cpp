#include "coordinator/core/detour.h"

namespace sonde {
namespace {

std::optional<double> through(const DelayTable& table, std::size_t from, std::size_t via, std::size_t to) {
  const auto& first = table.at(from, via);
  const auto& second = table.at(via, to);
  if (!first || !second) return std::nullopt;
  return *first + *second;
}

void count_hours(Detour& detour, const std::vector<DelayTable>& hours) {
  for (const DelayTable& hour : hours) {
    const auto& direct = hour.at(detour.from, detour.to);
    const auto via = through(hour, detour.from, detour.via, detour.to);
    if (!direct || !via) continue;
    ++detour.comparable;
    if (*via < *direct) ++detour.held;
  }
}

}  // namespace

std::vector<Detour> best_detours(const DelayTable& window, const std::vector<DelayTable>& hours) {
  std::vector<Detour> found;
  for (std::size_t from = 0; from < window.sites; ++from) {
    for (std::size_t to = 0; to < window.sites; ++to) {
      const auto& direct = window.at(from, to);
      if (from == to || !direct) continue;
      std::optional<Detour> best;
      for (std::size_t via = 0; via < window.sites; ++via) {
        if (via == from || via == to) continue;
        const auto sum = through(window, from, via, to);
        if (sum && *sum < (best ? best->via_s : *direct)) best = Detour{from, to, via, *direct, *sum};
      }
      if (!best) continue;
      count_hours(*best, hours);
      found.push_back(*best);
    }
  }
  return found;
}

}  // namespace sonde
