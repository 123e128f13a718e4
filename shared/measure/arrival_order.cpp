#include "shared/measure/arrival_order.h"

#include <cstddef>
#include <optional>

namespace sonde {
namespace {

/// Serial number arithmetic: correct across the wrap as long as the two are less than 2^31 apart.
bool before(std::uint32_t a, std::uint32_t b) { return static_cast<std::int32_t>(a - b) < 0; }

}  // namespace

OrderCounts count_order(std::span<const Arrival> arrivals, std::uint32_t last) {
  OrderCounts counts;
  std::optional<std::uint32_t> earliest_of_later;
  for (std::size_t i = arrivals.size(); i-- > 0;) {
    const Arrival& arrival = arrivals[i];
    if (!before(last, arrival.sent)) {
      ++counts.arrived;
      counts.extra_copies += arrival.extra_copies;
      const bool overtaken = earliest_of_later && before(*earliest_of_later, arrival.reflected);
      counts.reordered += overtaken ? 1 : 0;
      if (arrival.loaded) {
        ++counts.loaded_arrived;
        counts.loaded_reordered += overtaken ? 1 : 0;
      }
    }
    if (!earliest_of_later || before(arrival.reflected, *earliest_of_later)) earliest_of_later = arrival.reflected;
  }
  return counts;
}

}  // namespace sonde
