#include "coordinator/cli/rules_replay.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

#include "coordinator/cli/json_read.h"

namespace sonde::cli {
namespace {

std::optional<SharedTime> time_at(const Json& json, std::string_view key) {
  const auto time = parse_time(text_at(json, key));
  return time ? std::optional(*time) : std::nullopt;
}

std::uint64_t count_of(const Json& counts, std::string_view metric) {
  const auto count = number_at(counts, metric);
  constexpr double most = 1e9;
  return count && *count >= 1 && *count <= most ? static_cast<std::uint64_t>(*count) : 0;
}

void add_value(Result& result, const MetricInfo& metric, double value, std::uint64_t count) {
  if (metric.shape == MetricShape::value) {
    result.values.push_back({metric.metric, value});
  } else if (metric.shape == MetricShape::ratio) {
    const double hits = std::round(std::clamp(value, 0.0, 1.0) * static_cast<double>(count));
    if (count > 0) result.ratios.push_back({metric.metric, static_cast<std::uint64_t>(hits), count});
  } else if (value >= 0 && value < 1e6) {
    Distribution samples;
    samples.add(from_seconds(value).count(), std::max<std::uint64_t>(count, 1));
    result.distributions.push_back({metric.metric, samples});
  }
}

void read_tags(const Json& tags, Result& result) {
  for (const Json& tag : tags) {
    const std::string name = raw(tag);
    if (name == "starved") result.set(Tag::starved);
    if (name == "clock_stepped") result.set(Tag::clock_stepped);
    if (name == "on_demand") result.set(Tag::on_demand);
    if (name == "unsynced") result.set(Tag::unsynced);
  }
}

}  // namespace

std::optional<Result> result_in(std::string_view line) {
  const Json json = Json::parse(line, nullptr, false);
  const auto from = SiteId::parse(text_at(json, "from"));
  const auto to = SiteId::parse(text_at(json, "to"));
  const auto probe = probe_named(text_at(json, "probe"));
  const auto outcome = outcome_named(text_at(json, "outcome"));
  const auto finished = time_at(json, "finished_at");
  if (!from || !to || !probe || !outcome || !finished) return std::nullopt;
  Result result;
  result.id.from = *from;
  result.to = *to;
  result.probe = *probe;
  result.outcome = *outcome;
  result.finished_at = *finished;
  result.started_at = time_at(json, "started_at");
  result.scheduled_at = time_at(json, "scheduled_at").value_or(*finished);
  result.reason = text_at(json, "reason");
  const Json& counts = at(json, "counts");
  for (const MetricInfo& metric : all_metrics())
    if (const auto value = number_at(json, metric.name))
      add_value(result, metric, *value, count_of(counts, metric.name));
  read_tags(at(json, "tags"), result);
  const Json& details = at(json, "details");
  if (details.is_object())
    for (const auto& [name, value] : details.items())
      if (value.is_number()) result.details.push_back({name, value.get<double>()});
  return result;
}

RulesReplay::RulesReplay(const Mesh& mesh, const AlertPolicy& policy, SharedTime since) : since_(since) {
  // Whether an agent was there is not in the history, so neither is what it owed.
  AlertPolicy replayed = policy;
  const auto silence = static_cast<std::size_t>(Signal::silence);
  replayed.rules.at(silence).on = false;
  for (AlertException& exception : replayed.exceptions) exception.rules.at(silence).reset();
  incidents_.set_mesh(mesh, replayed);
  for (const SiteSpec& site : mesh.sites)
    if (site.has_agent) agents_[site.site].route = site.site.str();
}

void RulesReplay::on_result(const Result& result) {
  if (result.finished_at < since_) return incidents_.learn(result);
  ++results_;
  if (!judged_) judged_ = result.finished_at;
  if (result.finished_at - *judged_ >= judge_every) judge(result.finished_at);
  for (auto& [site, agent] : agents_) agent.last_heard = result.finished_at;
  incidents_.on_result(result, result.finished_at, agents_);
}

void RulesReplay::judge(SharedTime now) {
  judged_ = now;
  for (auto& [site, agent] : agents_) agent.last_heard = now;
  Incidents::Out out;
  incidents_.tick(now, agents_, out);
  for (Incident& incident : out.changed) {
    const std::string id = incident.id;
    all_.insert_or_assign(id, std::move(incident));
  }
}

void RulesReplay::finish(SharedTime until) {
  if (judged_) judge(std::max(until, *judged_));
}

std::vector<Incident> RulesReplay::incidents() const {
  std::vector<Incident> out;
  for (const auto& [id, incident] : all_) out.push_back(incident);
  std::ranges::stable_sort(out, {}, &Incident::started_at);
  return out;
}

}  // namespace sonde::cli
