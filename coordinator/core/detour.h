// The best way from one site to another through a third one, from the round-trip times that are measured anyway: an
// overlay could take it. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace sonde {

/// Square, row-major over the sites: seconds from row to column; nullopt where nothing is known.
struct DelayTable {
  std::size_t sites = 0;
  std::vector<std::optional<double>> seconds;

  explicit DelayTable(std::size_t count) : sites(count), seconds(count * count) {}
  std::optional<double>& at(std::size_t from, std::size_t to) { return seconds.at(from * sites + to); }
  const std::optional<double>& at(std::size_t from, std::size_t to) const { return seconds.at(from * sites + to); }
};

struct Detour {
  std::size_t from = 0;
  std::size_t to = 0;
  std::size_t via = 0;
  double direct_s = 0;
  double via_s = 0;            ///< both legs
  std::size_t held = 0;        ///< hours in which this way was shorter than the direct one
  std::size_t comparable = 0;  ///< hours in which all three were measured

  double gain_s() const { return direct_s - via_s; }
};

/// Of every pair whose direct time is known, the third site through which the sum of both legs is least, where it is
/// less than the direct time. `window` decides which; `hours` are the same window's parts and say how often it held.
std::vector<Detour> best_detours(const DelayTable& window, const std::vector<DelayTable>& hours);

}  // namespace sonde
