#include "agent/core/prober.h"

#include <fmt/format.h>

#include <algorithm>

#include "shared/base/limits.h"
#include "shared/measure/offset_bounds.h"

namespace sonde {
namespace {

constexpr std::uint8_t highest_dscp = 63;

}  // namespace

std::vector<IpAddress> addresses_of(const Member& member, const AddressBook& book) {
  std::vector<IpAddress> addresses;
  for (const std::string& text : member.addresses) {
    if (const auto literal = IpAddress::parse(text)) {
      addresses.push_back(*literal);
    } else if (const auto known = book.find(text); known != book.end()) {
      addresses.insert(addresses.end(), known->second.begin(), known->second.end());
    }
  }
  return addresses;
}

std::vector<std::string> names_to_resolve(const std::vector<Member>& members) {
  std::vector<std::string> names;
  for (const Member& member : members)
    for (const std::string& text : member.addresses)
      if (!IpAddress::parse(text) && std::ranges::find(names, text) == names.end()) names.push_back(text);
  return names;
}

bool Prober::set_timetable(const Timetable& own) {
  if (!slots_.set(own, self_)) return false;
  timetable_ = own;
  list_others();
  return true;
}

void Prober::list_others() {
  others_.clear();
  others_often_.clear();
  longest_of_others_ = nanoseconds(0);
  for (std::uint32_t i = 0; i < timetable_.slots.size(); ++i) {
    const ThroughputSlot& slot = timetable_.slots[i];
    const nanoseconds interval = timetable_.interval(slot);
    if (slot.link.from == self_ || slot.link.to == self_ || interval <= nanoseconds(0)) continue;
    (interval == timetable_.throughput_every ? others_ : others_often_).push_back(i);
    longest_of_others_ = std::max(longest_of_others_, slot.length);
  }
  std::ranges::stable_sort(others_, {}, [&](std::uint32_t i) { return timetable_.slots[i].start; });
}

void Prober::set_peer_facts(const wire::PeerFacts& facts) {
  for (const wire::PeerFact& fact : facts.peers) facts_[fact.site] = fact;
}

void Prober::tick(Now now, const ClockMap& clock, Out& out) {
  const SharedTime shared = clock.shared(now.wall);
  for (const SlotClock::Due& due : slots_.due(shared)) {
    const Member* to = timetable_.member(due.link.to);
    if (to == nullptr) continue;  // left the mesh while its slot was waiting
    if (due.missed) {
      out.skipped.push_back(skipped(due, shared));
      continue;
    }
    out.start_lateness.push_back(shared - due.scheduled_at);
    if (due.kind == SlotClock::Due::Kind::connect)
      begin_connect(due, *to, out);
    else
      begin_transfer(now, clock, due, *to, out);
  }
}

void Prober::begin_connect(const SlotClock::Due& due, const Member& to, Out& out) const {
  if (!to.has_agent && !to.connect) return;  // a plain reflector takes no connections
  ConnectOrder order{.link = due.link,
                     .addresses = to.addresses,
                     .port = to.port,
                     .timeout = due.length,
                     .round = due.round,
                     .generation = due.generation,
                     .scheduled_at = due.scheduled_at};
  if (to.connect) {
    order.addresses = {to.connect->address};
    order.port = to.connect->port;
  }
  out.connects.push_back(std::move(order));
}

void Prober::begin_transfer(Now now, const ClockMap& clock, const SlotClock::Due& due, const Member& to,
                            Out& out) const {
  const auto& policy = timetable_.policy.throughput;
  if (!policy) return;
  const nanoseconds late = clock.shared(now.wall) - due.scheduled_at;
  out.transfers.push_back({.link = due.link,
                           .round = due.round,
                           .generation = due.generation,
                           .scheduled_at = due.scheduled_at,
                           .slot_end = now.mono + due.length - late,
                           .addresses = to.addresses,
                           .port = to.port,
                           .streams = policy->streams,
                           .iterations = std::clamp<std::uint32_t>(policy->iterations, 1, limits::iterations_per_run),
                           .duration = policy->duration,
                           .max_duration = policy->max_duration,
                           .max_bytes = policy->max_bytes,
                           .congestion = policy->congestion,
                           .receiver_opens = !to.inbound});
}

void Prober::begin(Now now, const ClockMap& clock, const AddressBook& book, const wire::RunOrder& order,
                   Out& out) const {
  SlotClock::Due due{.link = order.link,
                     .round = {},
                     .scheduled_at = order.start,
                     .length = order.length,
                     .generation = timetable_.generation};
  const std::size_t before_transfers = out.transfers.size();
  const std::size_t before = out.connects.size() + out.transfers.size() + out.bursts.size();
  if (const Member* to = timetable_.member(order.link.to)) {
    if (order.probe == Probe::connect) {
      due.length = order.timeout;
      begin_connect(due, *to, out);
    } else if (order.probe == Probe::latency) {
      begin_burst(order, *to, book, out);
    } else {
      begin_transfer(now, clock, due, *to, out);
      if (out.transfers.size() > before_transfers) out.transfers.back().probe = order.probe;
    }
  }
  if (out.connects.size() + out.transfers.size() + out.bursts.size() > before) return;
  Result result = skipped(due, clock.shared(now.wall));
  result.probe = order.probe;
  result.reason = fmt::format("this agent's timetable has no {} of {}, or no address of it is known", name(order.probe),
                              order.link.to.str());
  result.details.clear();
  out.skipped.push_back(std::move(result));
}

void Prober::begin_burst(const wire::RunOrder& order, const Member& to, const AddressBook& book, Out& out) const {
  if (order.probes == 0 || order.interval <= nanoseconds(0) || order.timeout <= nanoseconds(0)) return;
  LatencyStreamPlan stream = stream_to(to, book);
  if (stream.addresses.empty()) return;
  stream.rate = ProbeRate{1 / to_seconds(order.interval)};
  stream.every = order.probes * order.interval;
  stream.timeout = order.timeout;
  out.bursts.push_back({std::move(stream), order.start});
}

LatencyStreamPlan Prober::stream_to(const Member& to, const AddressBook& book) const {
  LatencyStreamPlan stream{.to = to.site,
                           .addresses = {},
                           .rate = {},
                           .stateful = to.has_agent,
                           .format = to.has_agent ? wire::ProbeFormat::agents() : wire::ProbeFormat::base(),
                           .key = std::nullopt,
                           .dscp = 0,
                           .shares_clock = false,
                           .far_clock_error = std::nullopt,
                           .least_delay = least_delay_to(to)};
  for (const IpAddress& address : addresses_of(to, book)) stream.addresses.push_back({address, to.port});
  if (const auto fact = facts_.find(to.site); fact != facts_.end()) {
    stream.shares_clock = !boot_id_.empty() && fact->second.boot_id == boot_id_;
    stream.far_clock_error = fact->second.clock_error;
  }
  return stream;
}

Result Prober::skipped(const SlotClock::Due& due, SharedTime now) const {
  Result result;
  result.id.from = self_;
  result.to = due.link.to;
  result.probe = due.kind == SlotClock::Due::Kind::connect ? Probe::connect : Probe::throughput;
  result.generation = due.generation;
  result.round = due.round;
  result.scheduled_at = due.scheduled_at;
  result.finished_at = now;
  result.outcome = Outcome::skipped;
  result.reason = due.count == 1 ? "its instant had passed before the agent could begin"
                                 : fmt::format("{} slots had passed before the agent could begin", due.count);
  result.details.push_back({"missed", static_cast<double>(due.count)});
  return result;
}

std::vector<Prober::Neighbour> Prober::neighbours(SharedTime now) const {
  std::vector<Neighbour> found;
  if (timetable_.throughput_every <= nanoseconds(0) || now < timetable_.effective_at) return found;
  const auto look_at = [&](const ThroughputSlot& slot) {
    const nanoseconds into = (now - timetable_.epoch - slot.start) % timetable_.interval(slot);
    if (into >= nanoseconds(0) && into < slot.length && !timetable_.is_quiet(slot.link, now - into, slot.length))
      found.push_back({slot.link, now - into, now - into + slot.length});
  };
  // Only those that begin within the longest run's time before now can be under way.
  const auto start_of = [&](std::uint32_t i) { return timetable_.slots[i].start; };
  const nanoseconds into = (now - timetable_.epoch) % timetable_.throughput_every;
  auto at = std::ranges::lower_bound(others_, into - longest_of_others_, {}, start_of);
  for (; at != others_.end() && start_of(*at) <= into; ++at) look_at(timetable_.slots[*at]);
  for (const std::uint32_t i : others_often_) look_at(timetable_.slots[i]);
  return found;
}

std::vector<ArrivalQuery> Prober::queries_for(const std::vector<wire::ArrivalQuestion>& questions,
                                              const AddressBook& book, const ClockMap& clock) const {
  std::vector<ArrivalQuery> queries;
  for (const wire::ArrivalQuestion& question : questions) {
    const Member* from = timetable_.member(question.from);
    ArrivalQuery& query = queries.emplace_back();
    query.id = question.id;
    if (from != nullptr) query.from = addresses_of(*from, book);
    query.ssid = question.ssid;
    query.first = question.first;
    query.last = question.last;
    query.sent_at = clock.wall(question.sent_at - clock.error);
  }
  return queries;
}

nanoseconds Prober::least_delay_to(const Member& to) const {
  const Member* own = timetable_.member(self_);
  if (own == nullptr || !own->location || !to.location) return nanoseconds(0);
  return least_delay(great_circle_m(*own->location, *to.location));
}

std::vector<SiteId> Prober::without_key(const LatencyOptions& options, const PairKeys& keys) const {
  std::vector<SiteId> found;
  const auto& policy = timetable_.policy.latency;
  if (!policy || !options.authenticated.value_or(policy->authenticated)) return found;
  for (const LinkPhase& phase : timetable_.phases)
    if (phase.link.from == self_ && !keys.contains(phase.link.to)) found.push_back(phase.link.to);
  return found;
}

std::uint8_t Prober::dscp(const LatencyOptions& options) const {
  const auto& policy = timetable_.policy.latency;
  // What a coordinator says is not to be trusted with shifts.
  return options.dscp.value_or(policy && policy->dscp <= highest_dscp ? policy->dscp : std::uint8_t{0});
}

LatencyPlan Prober::latency_plan(const AddressBook& book, std::optional<nanoseconds> own_clock_error,
                                 const LatencyOptions& options, const PairKeys& keys) const {
  const LatencyPolicy mesh = timetable_.policy.latency.value_or(LatencyPolicy{});
  const std::uint8_t dscp = this->dscp(options);
  const bool authenticated = options.authenticated.value_or(mesh.authenticated);
  LatencyPlan plan{.generation = timetable_.generation,
                   .self = self_,
                   .effective_at = timetable_.effective_at,
                   .epoch = timetable_.epoch,
                   .streams = {},
                   .members = {},
                   .allowed = {},
                   .keys = {},
                   .outsider_keys = {},
                   .own_clock_error = own_clock_error,
                   .dscp = dscp};
  for (const Member& member : timetable_.members) {
    if (member.site == self_) continue;
    const auto addresses = addresses_of(member, book);
    plan.members.insert(plan.members.end(), addresses.begin(), addresses.end());
    if (const auto key = keys.find(member.site); key != keys.end())
      for (const IpAddress& address : addresses) plan.keys.push_back({address, key->second});
  }
  const auto& policy = timetable_.policy.latency;
  if (!policy) return plan;
  for (const LinkPhase& phase : timetable_.phases) {
    const Member* to = timetable_.member(phase.link.to);
    if (to == nullptr || phase.link.from != self_) continue;
    LatencyStreamPlan stream = stream_to(*to, book);
    if (stream.addresses.empty()) continue;
    stream.rate = policy->rate;
    stream.every = policy->every;
    stream.timeout = policy->timeout;
    stream.phase = phase.latency_phase;
    stream.dscp = dscp;
    stream.format.timestamp_information = to->has_agent && options.timestamp_information;
    stream.format.direct_measurement = to->has_agent && options.direct_measurement;
    if (const auto key = keys.find(to->site); key != keys.end() && authenticated) {
      stream.key = key->second;
      stream.format.mode = wire::StampMode::authenticated;
    }
    plan.streams.push_back(std::move(stream));
  }
  return plan;
}

}  // namespace sonde
