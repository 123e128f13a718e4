#include "shared/measure/jitter.h"

#include <cmath>

namespace sonde {

void Jitter::on_transit(nanoseconds transit) {
  if (last_) {
    const double difference = std::abs(static_cast<double>((transit - *last_).count()));
    const double before = estimate_ns_.value_or(0.0);
    estimate_ns_ = before + (difference - before) / 16.0;
  }
  last_ = transit;
}

std::optional<double> Jitter::seconds() const {
  if (!estimate_ns_) return std::nullopt;
  return *estimate_ns_ / 1e9;
}

}  // namespace sonde
