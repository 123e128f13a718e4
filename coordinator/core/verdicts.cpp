#include "coordinator/core/verdicts.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "coordinator/core/link_rules.h"
#include "shared/base/error.h"

namespace sonde {
namespace {

constexpr float most_odds = 60;
constexpr double restored_odds = 12;
constexpr std::size_t enough_latency = 30;
constexpr std::size_t enough_throughput = 5;
/// A rate of the way back that is older says nothing of now.
constexpr nanoseconds back_rate_holds = std::chrono::hours(24);

std::size_t index(Signal signal) { return static_cast<std::size_t>(signal); }

/// So many results are at least needed to follow a change, so that a drift is told from a step, whose direction
/// delay_rise knows by then.
constexpr double following = 30;

UsualValue& made(std::unique_ptr<UsualValue>& usual, std::size_t enough, UsualValue::Better better) {
  if (!usual) usual = std::make_unique<UsualValue>(enough, better);
  return *usual;
}

/// Seconds; nullopt where the clocks are not good enough for it.
std::optional<double> one_way_of(const Result& result) {
  return result.has(Tag::unsynced) ? std::nullopt : median_of(result, Metric::delay);
}

std::optional<Usual> usual_of(const std::unique_ptr<UsualValue>& usual) {
  return usual ? usual->usual() : std::nullopt;
}

/// `above` makes a small step towards how far the newest value lies above what is usual.
Drift followed(float& above, double value, const Usual& usual, double least) {
  const double step = std::max(least, usual.wander) / following;
  const auto before = static_cast<double>(above);
  above = static_cast<float>(before + std::clamp(value - usual.middle - before, -step, step));
  return {.by = static_cast<double>(above), .now = value - usual.middle, .wander = usual.wander, .directed = false};
}

}  // namespace

std::vector<Metric> degraded_by(Signal signal) {
  switch (signal) {
    case Signal::answer: return {Metric::loss_rtt};
    case Signal::connectivity: return {Metric::connectivity, Metric::connect, Metric::connect_clean};
    case Signal::loss: return {Metric::loss, Metric::loss_rtt};
    case Signal::latency: return {Metric::rtt, Metric::rtt_host, Metric::delay, Metric::delay_rise};
    case Signal::throughput:
    case Signal::asymmetry: return {Metric::throughput, Metric::throughput_total};
    case Signal::silence:
    case Signal::clock: return {};  // these are states of their own: stale, unsynced
  }
  return {};
}

void Track::on_verdict(const AlertRule& rule, const Verdict& verdict, SharedTime at) {
  bits_ = static_cast<std::uint8_t>((static_cast<unsigned>(bits_) << 1U) | (verdict.bad ? 1U : 0U));
  known_ = std::min<std::uint8_t>(static_cast<std::uint8_t>(known_ + 1), most_remembered);
  value_ = static_cast<float>(verdict.value);
  if (known_ > 1 && at > newest_) every_ = at - newest_;
  newest_ = std::max(newest_, at);
  if (verdict.bad) {
    if (odds_ <= 0) {
      since_ = at;
      goods_before_ = goods_;
    }
    odds_ = std::min(odds_ + static_cast<float>(weight_of_bad()), most_odds);
    goods_ = 0;
  } else {
    odds_ = std::max(odds_ + static_cast<float>(weight_of_good()), 0.0F);
    if (goods_ < std::numeric_limits<std::uint16_t>::max()) ++goods_;
  }
  const unsigned window = bits_ & ((1U << std::min<unsigned>(rule.of, most_remembered)) - 1U);
  if (!raised_ && verdict.bad && static_cast<unsigned>(std::popcount(window)) >= rule.bad && at - since_ >= rule.hold)
    raised_ = true;
  if (raised_ && goods_ >= rule.good) {
    raised_ = false;
    odds_ = 0;
  }
}

void Track::restore(SharedTime since) {
  raised_ = true;
  odds_ = static_cast<float>(restored_odds);
  since_ = newest_ = since;
  bits_ = 3;
  known_ = 2;
}

Observation Track::observation() const {
  return {.known = known_ > 0,
          .raised = raised_,
          .bad = odds_,
          .since = since_,
          .goods = goods_,
          .goods_before = goods_before_,
          .every = every_,
          .newest = newest_};
}

Usual UsualValue::learnt() {
  std::ranges::sort(learning_);
  const auto at_share = [this](double share) {
    return static_cast<double>(learning_[static_cast<std::size_t>(share * static_cast<double>(learning_.size() - 1))]);
  };
  // These are medians of results: they lie close together.
  return {.middle = at_share(0.5),
          .low = at_share(0.05),
          .high = at_share(0.95),
          .wander = 3 * (at_share(0.95) - at_share(0.5))};
}

void UsualValue::add(double value, SharedTime at) {
  if (usual_ && at - learnt_at_ < kept) return;
  learning_.push_back(static_cast<float>(value));
  if (learning_.size() < enough_) return;
  const Usual fresh = learnt();
  const bool worse =
      usual_ && (better_ == Better::less ? fresh.middle > usual_->middle : fresh.middle < usual_->middle);
  if (worse) {
    usual_->low = std::min(usual_->low, usual_->middle - (fresh.middle - fresh.low));
    usual_->high = std::max(usual_->high, usual_->middle + (fresh.high - fresh.middle));
    usual_->wander = std::max(usual_->wander, fresh.wander);
  } else {
    usual_ = fresh;
  }
  learnt_at_ = at;
  learning_ = {};
}

void Verdicts::set_mesh(const Mesh& mesh, const AlertPolicy& policy) {
  mesh_ = mesh;
  policy_ = policy;
  places_.clear();
  for (std::size_t i = 0; i < mesh_.sites.size(); ++i) places_.emplace(mesh_.sites[i].site, i);
  std::erase_if(links_, [this](const auto& entry) {
    return !places_.contains(entry.first.from) || !places_.contains(entry.first.to);
  });
  for (auto& [link, state] : links_)
    for (const Signal signal : all_signals)
      if (!policy_.on || !rule(link, signal).on) state.tracks.at(index(signal)) = Track();
  heard_since_.assign(mesh_.sites.size(), std::nullopt);
  next_due_ = {};
  // A link that never brought anything is missing, too.
  if (policy_.on)
    for (const SiteSpec& from : mesh_.sites)
      for (const SiteSpec& to : mesh_.sites)
        if (from.site != to.site && from.has_agent && policy_.rule(Signal::silence, from, to).on &&
            has_latency(mesh_, from, to))
          links_.try_emplace({from.site, to.site});
  count_raised();
  ++revision_;
}

void Verdicts::count_raised() {
  raised_.fill(0);
  for (const auto& [link, state] : links_)
    for (const Signal signal : all_signals)
      raised_.at(index(signal)) += state.tracks.at(index(signal)).raised() ? 1U : 0U;
}

const AlertRule& Verdicts::rule(const Link& link, Signal signal) const {
  const auto from = places_.find(link.from);
  const auto to = places_.find(link.to);
  if (from == places_.end() || to == places_.end()) return policy_.rules.at(index(signal));
  return policy_.rule(signal, mesh_.sites[from->second], mesh_.sites[to->second]);
}

void Verdicts::learn(LinkState& state, const Result& result) {
  if (result.has(Tag::starved) || result.outcome != Outcome::ok) return;
  const auto raised = [&](Signal signal) { return state.tracks.at(index(signal)).raised(); };
  if (result.probe == Probe::latency && !raised(Signal::latency) && !result.has(Tag::clock_stepped)) {
    if (const auto value = median_of(result, Metric::rtt))
      made(state.round_trip, enough_latency, UsualValue::Better::less).add(*value, result.finished_at);
    if (const auto value = median_of(result, Metric::delay_rise))
      made(state.rise, enough_latency, UsualValue::Better::less).add(*value, result.finished_at);
    if (const auto value = one_way_of(result))
      made(state.one_way, enough_latency, UsualValue::Better::less).add(*value, result.finished_at);
  }
  if (result.probe == Probe::throughput && !raised(Signal::throughput))
    if (const SingleValue* rate = result.value_of(Metric::throughput))
      made(state.rate, enough_throughput, UsualValue::Better::more).add(rate->value, result.finished_at);
}

/// Of the one-way delay where the clocks are good enough for one; else of the round trip, unless the way back is known
/// to be the slower one.
std::optional<Drift> Verdicts::drift(LinkState& state, const HourBaseline& known, const Result& result,
                                     const AlertRule& rule) const {
  if (result.has(Tag::starved) || result.has(Tag::clock_stepped)) return std::nullopt;
  const auto now = median_of(result, Metric::rtt);
  if (!known.round_trip || !now) return std::nullopt;
  const double least = std::max(rule.raise, rule.share * known.round_trip->middle);
  if (const auto one_way = one_way_of(result); one_way && known.one_way) {
    Drift directed = followed(state.one_way_above, *one_way, *known.one_way, least);
    directed.wander = std::max(directed.wander, result.detail("error_s").value_or(0));
    directed.directed = true;
    return directed;
  }
  const auto back = links_.find(Link{result.to, result.id.from});
  if (back != links_.end() && back->second.tracks.at(index(Signal::latency)).raised() && !back->second.undirected) {
    state.round_trip_above = 0;  // nor when that is over
    return std::nullopt;
  }
  return followed(state.round_trip_above, *now, *known.round_trip, least);
}

HourBaseline Verdicts::usual(const LinkState& state, const Result& result) {
  HourBaseline out{.round_trip = usual_of(state.round_trip),
                   .rise = usual_of(state.rise),
                   .one_way = usual_of(state.one_way),
                   .rate = usual_of(state.rate)};
  if (!state.baseline || state.baseline_hour != baseline_hour(result.finished_at)) return out;
  const HourBaseline& weeks = *state.baseline;
  // The round trip and its rise belong together.
  if (weeks.round_trip && weeks.rise) {
    out.round_trip = weeks.round_trip;
    out.rise = weeks.rise;
  }
  if (weeks.one_way) out.one_way = weeks.one_way;
  if (weeks.rate) out.rate = weeks.rate;
  return out;
}

void Verdicts::set_baseline(const Link& link, SharedTime hour, const HourBaseline& baseline) {
  if (!policy_.on || !places_.contains(link.from) || !places_.contains(link.to)) return;
  LinkState& state = links_[link];
  if (!state.baseline) state.baseline = std::make_unique<HourBaseline>();
  *state.baseline = baseline;
  state.baseline_hour = hour;
}

void Verdicts::learn(const Result& result) {
  if (places_.contains(result.id.from) && places_.contains(result.to)) learn(links_[result.link()], result);
}

void Verdicts::on_result(const Result& result, bool far_agent_gone) {
  if (!policy_.on || !places_.contains(result.id.from) || !places_.contains(result.to)) return;
  LinkState& state = links_[result.link()];
  AlertRuleSet rules;
  const HourBaseline known = usual(state, result);
  JudgeContext context{.rules = rules.data(),
                       .raised = {},
                       .round_trip = known.round_trip,
                       .rise = known.rise,
                       .rate = known.rate,
                       .back_rate = {},
                       .drift = {},
                       .far_agent_gone = far_agent_gone};
  for (const Signal signal : all_signals) {
    if (probe_of(signal) != result.probe) continue;
    rules.at(index(signal)) = rule(result.link(), signal);
    context.raised.at(index(signal)) = state.tracks.at(index(signal)).raised();
  }
  if (result.probe == Probe::latency) context.drift = drift(state, known, result, rules.at(index(Signal::latency)));
  if (result.probe == Probe::throughput) {
    const auto back = links_.find(Link{result.to, result.id.from});
    if (back != links_.end() && back->second.newest_rate > 0 &&
        result.finished_at - back->second.rate_at < back_rate_holds)
      context.back_rate = back->second.newest_rate;
    if (const SingleValue* rate = result.value_of(Metric::throughput)) {
      state.newest_rate = static_cast<float>(rate->value);
      state.rate_at = result.finished_at;
    }
  }
  bool any_bad = false;
  for (const Verdict& verdict : judge(result, context)) {
    const bool raised_before = state.tracks.at(index(verdict.signal)).raised();
    take(state, rules.at(index(verdict.signal)), verdict, result.finished_at);
    if (verdict.signal == Signal::latency) {
      if (!raised_before) state.undirected = verdict.undirected;
      // While it heals the drift is over, too.
      if (raised_before && !verdict.bad) state.round_trip_above = state.one_way_above = 0;
    }
    // What is the matter with the measuring does not make a value unusual.
    any_bad = any_bad || (verdict.bad && !of_measuring(verdict.signal));
  }
  const bool all_well = std::ranges::none_of(state.tracks, &Track::raised);
  state.traits.on_result(result, all_well && !any_bad);
  if (!any_bad) learn(state, result);
}

std::vector<std::pair<Pattern, std::string>> Verdicts::patterns(const Link& link, const PathFacts& path) const {
  const auto found = links_.find(link);
  if (found == links_.end()) return {};
  const LinkState& state = found->second;
  const Track& latency = state.tracks.at(index(Signal::latency));
  return state.traits.patterns(
      {.latency = latency.raised(),
       .rise_s = latency.value(),
       .throughput = state.tracks.at(index(Signal::throughput)).raised(),
       .loss = state.tracks.at(index(Signal::loss)).raised() || state.tracks.at(index(Signal::answer)).raised()},
      path);
}

void Verdicts::take(LinkState& state, const AlertRule& rule, const Verdict& verdict, SharedTime at) {
  Track& track = state.tracks.at(index(verdict.signal));
  const bool before = track.raised();
  track.on_verdict(rule, verdict, at);
  if (track.raised() && !before) ++raised_.at(index(verdict.signal));
  if (!track.raised() && before) --raised_.at(index(verdict.signal));
  ++revision_;
}

void Verdicts::on_arrival(const Result& result, SharedTime now) {
  if (!policy_.on || result.has(Tag::on_demand) || !places_.contains(result.id.from) || !places_.contains(result.to))
    return;
  if (result.probe != Probe::latency && result.probe != Probe::connect) return;
  LinkState& state = links_[result.link()];
  state.seen.at(static_cast<std::size_t>(result.probe)) = now;
  const AlertRule& of_silence = rule(result.link(), Signal::silence);
  // The other of the two may be missing still.
  const auto overdue = due(result.link(), state);
  if (!of_silence.on || (overdue && now >= *overdue)) return;
  state.missed.reset();
  take(state, of_silence, {.signal = Signal::silence, .bad = false, .value = 0}, now);
}

/// When the next result is missing: the earlier of the two probes, as far as the mesh has them on this link. What has
/// not brought anything since its agent is heard is promised from then on.
std::optional<SharedTime> Verdicts::due(const Link& link, const LinkState& state) const {
  const std::size_t place = places_.at(link.from);
  const auto& since = heard_since_[place];
  const SiteSpec& from = mesh_.sites[place];
  const SiteSpec& to = mesh_.sites[places_.at(link.to)];
  if (!since || !from.has_agent || !has_latency(mesh_, from, to)) return std::nullopt;
  std::optional<SharedTime> out;
  const auto add = [&](Probe probe, nanoseconds every, nanoseconds timeout) {
    const SharedTime seen = state.seen.at(static_cast<std::size_t>(probe)).value_or(*since);
    const SharedTime at = std::max(seen, *since) + every + timeout + silence_grace;
    out = out ? std::min(*out, at) : at;
  };
  if (const auto& latency = mesh_.policy.latency) add(Probe::latency, latency->every, latency->timeout);
  // Where a plain reflector says nothing of TCP nobody connects.
  const auto& connect = mesh_.policy.connect;
  if (connect && state.seen.at(static_cast<std::size_t>(Probe::connect)))
    add(Probe::connect, connect->every, connect->timeout);
  return out;
}

void Verdicts::note_heard(std::size_t place, bool heard, SharedTime now) {
  std::optional<SharedTime>& since = heard_since_[place];
  if (since.has_value() == heard) return;
  since = heard ? std::optional(now) : std::nullopt;
  next_due_ = std::min(next_due_, now);
}

void Verdicts::look_for_missing(SharedTime now) {
  next_due_ = SharedTime::max();
  for (auto& [link, state] : links_) next_due_ = std::min(next_due_, await(link, state, now));
}

/// One verdict for each result that is missing; returns when to look again.
SharedTime Verdicts::await(const Link& link, LinkState& state, SharedTime now) {
  const auto due_at = due(link, state);
  const AlertRule& of_silence = rule(link, Signal::silence);
  if (!due_at || !of_silence.on) {
    state.missed.reset();
    return SharedTime::max();
  }
  if (now < *due_at) return *due_at;
  const nanoseconds every = mesh_.policy.latency ? mesh_.policy.latency->every : mesh_.policy.connect->every;
  if (state.missed && now - *state.missed < every) return *state.missed + every;
  state.missed = now;
  take(state, of_silence, {.signal = Signal::silence, .bad = true, .value = to_seconds(now - *due_at + silence_grace)},
       now);
  return now + every;
}

void Verdicts::restore(const Link& link, Signal signal, SharedTime since) {
  if (!policy_.on || !places_.contains(link.from) || !places_.contains(link.to) || !rule(link, signal).on) return;
  links_[link].tracks.at(index(signal)).restore(since);
  count_raised();
  ++revision_;
}

bool Verdicts::raised(const Link& link, Signal signal) const {
  const auto found = links_.find(link);
  return found != links_.end() && found->second.tracks.at(index(signal)).raised();
}

std::optional<double> Verdicts::value(const Link& link, Signal signal) const {
  const auto found = links_.find(link);
  if (found == links_.end() || !found->second.tracks.at(index(signal)).observation().known) return std::nullopt;
  return found->second.tracks.at(index(signal)).value();
}

bool Verdicts::good_since(const Link& link, Signal signal, SharedTime since) const {
  const auto found = links_.find(link);
  return found != links_.end() && found->second.tracks.at(index(signal)).newest_is(false, since);
}

bool Verdicts::bad_since(const Link& link, Signal signal, SharedTime since) const {
  const auto found = links_.find(link);
  return found != links_.end() && found->second.tracks.at(index(signal)).newest_is(true, since);
}

std::vector<Observation> Verdicts::observations(Signal signal) const {
  std::vector<Observation> out(mesh_.sites.size() * mesh_.sites.size());
  for (const auto& [link, state] : links_)
    out[places_.at(link.from) * mesh_.sites.size() + places_.at(link.to)] =
        state.tracks.at(index(signal)).observation();
  return out;
}

std::unordered_map<Link, std::vector<Metric>> Verdicts::degraded() const {
  std::unordered_map<Link, std::vector<Metric>> out;
  for (const auto& [link, state] : links_)
    for (const Signal signal : all_signals) {
      if (!state.tracks.at(index(signal)).raised()) continue;
      std::vector<Metric>& metrics = out[link];
      for (const Metric metric : degraded_by(signal))
        if (std::ranges::find(metrics, metric) == metrics.end()) metrics.push_back(metric);
    }
  return out;
}

}  // namespace sonde
