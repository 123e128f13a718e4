#include "agent/core/starvation.h"

namespace sonde {
namespace {
constexpr std::size_t accounts_kept = 11;  // ten spans, as long as the pressure looks back
}

void Starvation::update(std::optional<double> pressure, const std::optional<CpuAccount>& account) {
  pressure_ = pressure;
  if (!account || (!accounts_.empty() && account->turns < accounts_.back().turns)) accounts_.clear();
  if (!account) return;
  accounts_.push_back(*account);
  if (accounts_.size() > accounts_kept) accounts_.pop_front();
}

std::optional<nanoseconds> Starvation::mean_wait() const {
  if (accounts_.size() < 2 || accounts_.back().turns == accounts_.front().turns) return std::nullopt;
  const std::uint64_t turns = accounts_.back().turns - accounts_.front().turns;
  return (accounts_.back().waited - accounts_.front().waited) / static_cast<std::int64_t>(turns);
}

bool Starvation::starving() const {
  if (pressure_.value_or(0) < busy_pressure) return false;
  const std::optional<nanoseconds> wait = mean_wait();
  return !wait || *wait >= starving_wait;
}

void Starvation::mark(Result& result) const {
  if (result.probe == Probe::latency || !was_tried(result.outcome) || !starving()) return;
  result.set(Tag::starved);
  result.details.push_back({"cpu_pressure", pressure_.value_or(0)});
  if (const auto wait = mean_wait()) result.details.push_back({"cpu_wait_s", to_seconds(*wait)});
}

}  // namespace sonde
