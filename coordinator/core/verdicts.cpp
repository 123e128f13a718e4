#include "coordinator/core/verdicts.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "shared/base/error.h"

namespace sonde {
namespace {

constexpr float most_odds = 60;
constexpr double restored_odds = 12;
constexpr std::size_t enough_latency = 30;
constexpr std::size_t enough_throughput = 5;
constexpr std::array signals{Signal::answer, Signal::connectivity, Signal::loss, Signal::latency, Signal::throughput};

std::size_t index(Signal signal) { return static_cast<std::size_t>(signal); }

std::unique_ptr<UsualValue>& made(std::unique_ptr<UsualValue>& usual, std::size_t enough) {
  if (!usual) usual = std::make_unique<UsualValue>(enough);
  return usual;
}

std::optional<Usual> usual_of(const std::unique_ptr<UsualValue>& usual) {
  return usual ? usual->usual() : std::nullopt;
}

}  // namespace

std::vector<Metric> degraded_by(Signal signal) {
  switch (signal) {
    case Signal::answer: return {Metric::loss_rtt};
    case Signal::connectivity: return {Metric::connectivity, Metric::connect, Metric::connect_clean};
    case Signal::loss: return {Metric::loss, Metric::loss_rtt};
    case Signal::latency: return {Metric::rtt, Metric::rtt_host, Metric::delay, Metric::delay_rise};
    case Signal::throughput: return {Metric::throughput, Metric::throughput_total};
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

void UsualValue::add(double value, SharedTime at) {
  if (usual_ && at - learnt_at_ < kept) return;
  learning_.push_back(static_cast<float>(value));
  if (learning_.size() < enough_) return;
  std::ranges::sort(learning_);
  const auto at_share = [this](double share) {
    return static_cast<double>(learning_[static_cast<std::size_t>(share * static_cast<double>(learning_.size() - 1))]);
  };
  usual_ = Usual{.middle = at_share(0.5), .low = at_share(0.05), .high = at_share(0.95)};
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
    for (const Signal signal : signals)
      if (!policy_.on || !rule(link, signal).on) state.tracks.at(index(signal)) = Track();
  count_raised();
  ++revision_;
}

void Verdicts::count_raised() {
  raised_.fill(0);
  for (const auto& [link, state] : links_)
    for (const Signal signal : signals) raised_.at(index(signal)) += state.tracks.at(index(signal)).raised() ? 1U : 0U;
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
      made(state.round_trip, enough_latency)->add(*value, result.finished_at);
    if (const auto value = median_of(result, Metric::delay_rise))
      made(state.rise, enough_latency)->add(*value, result.finished_at);
  }
  if (result.probe == Probe::throughput && !raised(Signal::throughput))
    if (const SingleValue* rate = result.value_of(Metric::throughput))
      made(state.rate, enough_throughput)->add(rate->value, result.finished_at);
}

void Verdicts::learn(const Result& result) {
  if (places_.contains(result.id.from) && places_.contains(result.to)) learn(links_[result.link()], result);
}

void Verdicts::on_result(const Result& result, bool far_agent_gone) {
  if (!policy_.on || !places_.contains(result.id.from) || !places_.contains(result.to)) return;
  LinkState& state = links_[result.link()];
  AlertRuleSet rules;
  JudgeContext context{.rules = rules.data(),
                       .raised = {},
                       .round_trip = usual_of(state.round_trip),
                       .rise = usual_of(state.rise),
                       .rate = usual_of(state.rate),
                       .far_agent_gone = far_agent_gone};
  for (const Signal signal : signals) {
    if (probe_of(signal) != result.probe) continue;
    rules.at(index(signal)) = rule(result.link(), signal);
    context.raised.at(index(signal)) = state.tracks.at(index(signal)).raised();
  }
  bool any_bad = false;
  for (const Verdict& verdict : judge(result, context)) {
    Track& track = state.tracks.at(index(verdict.signal));
    const Observation before = track.observation();
    track.on_verdict(rules.at(index(verdict.signal)), verdict, result.finished_at);
    if (track.raised() && !before.raised) ++raised_.at(index(verdict.signal));
    if (!track.raised() && before.raised) --raised_.at(index(verdict.signal));
    any_bad = any_bad || verdict.bad;
    ++revision_;
  }
  const bool usual = std::ranges::none_of(state.tracks, &Track::raised);
  state.traits.on_result(result, usual && !any_bad);
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
    for (const Signal signal : signals) {
      if (!state.tracks.at(index(signal)).raised()) continue;
      std::vector<Metric>& metrics = out[link];
      for (const Metric metric : degraded_by(signal))
        if (std::ranges::find(metrics, metric) == metrics.end()) metrics.push_back(metric);
    }
  return out;
}

}  // namespace sonde
