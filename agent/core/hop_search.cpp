#include "agent/core/hop_search.h"

#include <algorithm>

namespace sonde {

bool HopSearch::under_way(std::uint8_t ttl) const {
  return std::ranges::any_of(flights_, [ttl](const auto& flight) { return flight.second.ttl == ttl; });
}

void HopSearch::expire(MonoTime now) {
  std::erase_if(flights_, [now](const auto& flight) { return flight.second.until <= now; });
}

/// The highest TTL that is of interest, as far as is known.
std::size_t HopSearch::end() const {
  if (distance_) return std::min(*distance_, most);
  if (stop_) return *stop_;
  std::size_t last = 0;
  for (std::size_t ttl = 1; ttl <= most; ++ttl)
    if (ttls_[ttl].resolved) last = ttl;
  return std::min(last + silent_run, most);
}

std::optional<std::uint8_t> HopSearch::wanted() const {
  if (far_sent_ < tries && !under_way(far_ttl)) return far_ttl;
  for (std::size_t ttl = 1; ttl <= end(); ++ttl) {
    const auto number = static_cast<std::uint8_t>(ttl);
    if (!ttls_[ttl].resolved && ttls_[ttl].tried < tries && !under_way(number)) return number;
  }
  return std::nullopt;
}

std::optional<std::uint8_t> HopSearch::next(MonoTime now, std::uint32_t sequence) {
  expire(now);
  if (flights_.size() >= (one_by_one_ ? 1 : window)) return std::nullopt;
  const auto ttl = wanted();
  if (!ttl) return std::nullopt;
  flights_.insert_or_assign(sequence, Flight{*ttl, now + timeout_});
  if (*ttl == far_ttl)
    ++far_sent_;
  else
    ++ttls_[*ttl].tried;
  return ttl;
}

/// What is under way cannot be told apart any more: it is forgotten, and what was not answered begins anew.
void HopSearch::go_one_by_one() {
  one_by_one_ = true;
  flights_.clear();
  for (Ttl& ttl : ttls_)
    if (!ttl.resolved) ttl.tried = 0;
}

void HopSearch::resolve(std::uint8_t ttl, HopKind kind, const TraceAnswer& answer) {
  if (ttl > most || ttls_[ttl].resolved) return;  // far_ttl is beyond the most
  ttls_[ttl].resolved = true;
  ttls_[ttl].hop = {kind, answer.from, answer.rtt};
}

void HopSearch::on_reply(std::uint8_t ttl, const TraceAnswer& answer) {
  if (ttl == far_ttl) {
    ++far_answered_;
    if (!far_rtt_) far_rtt_ = answer.rtt;
  }
  std::optional<std::size_t> distance;
  if (answer.received_ttl > 0 && answer.received_ttl <= ttl)
    distance = static_cast<std::size_t>(ttl - answer.received_ttl) + 1;
  else if (ttl != far_ttl)
    distance = ttl;
  if (!distance) return;
  distance_ = std::min(distance_.value_or(*distance), *distance);
  if (*distance <= most) resolve(static_cast<std::uint8_t>(*distance), HopKind::target, answer);
}

void HopSearch::on_answer(const TraceAnswer& answer) {
  if (!answer.sequence && flights_.size() != 1) {
    if (!one_by_one_) go_one_by_one();
    return;
  }
  const auto flight = answer.sequence ? flights_.find(*answer.sequence) : flights_.begin();
  if (flight == flights_.end()) return;  // given up already, or a copy
  const std::uint8_t ttl = flight->second.ttl;
  flights_.erase(flight);
  switch (answer.kind) {
    case TraceAnswer::Kind::reply: return on_reply(ttl, answer);
    case TraceAnswer::Kind::exceeded: return resolve(ttl, HopKind::router, answer);
    case TraceAnswer::Kind::too_big: return;
    case TraceAnswer::Kind::refused:
    case TraceAnswer::Kind::unreachable: break;
  }
  resolve(ttl, answer.kind == TraceAnswer::Kind::refused ? HopKind::refused : HopKind::unreachable, answer);
  if (ttl <= most) stop_ = std::min<std::size_t>(stop_.value_or(ttl), ttl);
}

MonoTime HopSearch::next_deadline() const {
  MonoTime least = MonoTime::max();
  for (const auto& [sequence, flight] : flights_) least = std::min(least, flight.until);
  return least;
}

bool HopSearch::done(MonoTime now) {
  expire(now);
  return flights_.empty() && !wanted();
}

std::vector<Hop> HopSearch::hops() const {
  std::vector<Hop> found;
  for (std::size_t ttl = 1; ttl <= end(); ++ttl) found.push_back(ttls_[ttl].hop);
  while (!found.empty() && found.back().kind == HopKind::silent) found.pop_back();
  return found;
}

}  // namespace sonde
