#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <utility>

#include "coordinator/core/report.h"
#include "coordinator/web/endpoints.h"
#include "coordinator/web/json.h"

namespace sonde::web {
namespace {

constexpr nanoseconds usual_span = std::chrono::hours(24 * 7);

/// Counts, and one list for each figure, so that a curve of a hundred points stays short.
template <typename Points>
Json curve_json(const Points& points, bool ratio) {
  Json counts = Json::array();
  Json values = Json::array();
  Json lows = Json::array();
  Json highs = Json::array();
  for (const ReportPoint& point : points) {
    counts.push_back(point.count);
    values.push_back(number(point.value));
    lows.push_back(number(point.low));
    highs.push_back(number(point.high));
  }
  Json curve{{"count", std::move(counts)}, {ratio ? "mean" : "p50", std::move(values)}};
  if (ratio) return curve;
  curve["p5"] = std::move(lows);
  curve["p95"] = std::move(highs);
  return curve;
}

Json metric_json(const ReportMetric& metric) {
  Json json{{"count", metric.count},           {"mean", number(metric.mean)}, {"p50", number(metric.median)},
            {"stddev", number(metric.stddev)}, {"min", number(metric.min)},   {"max", number(metric.max)}};
  if (metric.points.empty()) return json;
  const bool ratio = info(metric.metric).shape == MetricShape::ratio;
  json["series"] = curve_json(metric.points, ratio);
  json["hours"] = curve_json(metric.hours, ratio);
  return json;
}

Json direction_json(const ReportDirection& direction) {
  Json outcomes = Json::object();
  for (const Probe probe : report_probes) {
    if (direction.runs(probe) == 0) continue;
    Json counts = Json::object();
    for (std::size_t i = 0; i < outcome_count; ++i)
      counts[std::string(name(static_cast<Outcome>(i)))] = direction.outcomes.at(static_cast<std::size_t>(probe)).at(i);
    outcomes[std::string(name(probe))] = std::move(counts);
  }
  Json metrics = Json::object();
  for (const ReportMetric& metric : direction.metrics) metrics[std::string(name(metric.metric))] = metric_json(metric);
  return Json{{"from", direction.link.from.str()},
              {"to", direction.link.to.str()},
              {"outcomes", std::move(outcomes)},
              {"metrics", std::move(metrics)}};
}

/// The answer site by site, so that a long one lets others be answered in between. One call at a time.
class ReportPieces {
 public:
  ReportPieces(const Sources& sources, const ReportSpan& span, std::vector<Link> links)
      : mesh_(sources.mesh.name), now_(sources.now), history_(sources.history), span_(span), links_(std::move(links)) {}

  std::optional<std::string> operator()() {
    if (!std::exchange(began_, true)) return head();
    if (next_ < links_.size()) return site();
    if (!std::exchange(ended_, true)) return tail();
    return std::nullopt;
  }

 private:
  std::string head() const {
    Json units = Json::object();
    for (const ReportedMetric& each : report_metrics()) units[std::string(name(each.metric))] = info(each.metric).unit;
    std::string text = to_text(Json{{"mesh", mesh_},
                                    {"since", time(span_.since)},
                                    {"until", time(span_.until)},
                                    {"made_at", time(now_)},
                                    {"step_s", seconds(span_.step)},
                                    {"first_step", time(span_.start(0))},
                                    {"units", std::move(units)}});
    text.pop_back();  // the object goes on
    return text + R"(,"directions":[)";
  }

  /// All directions that begin at the next site.
  std::string site() {
    const SiteId from = links_[next_].from;
    std::map<SiteId, DirectionReport> rows;
    std::size_t end = next_;
    for (; end < links_.size() && links_[end].from == from; ++end)
      rows.emplace(links_[end].to, DirectionReport(links_[end], span_));
    for (const Probe probe : report_probes) {
      const RollQuery query{.from = from,
                            .to = rows.size() == 1 ? std::optional(rows.begin()->first) : std::nullopt,
                            .probe = probe,
                            .metrics = report_mask(probe),
                            .since = span_.since,
                            .until = span_.until,
                            .coarsest = span_.step < span_of(RollLevel::hour) ? RollLevel::minute : RollLevel::hour};
      history_->roll_ups(query, [&](const SiteId& to, SharedTime at, const RollUp& roll) {
        if (const auto row = rows.find(to); row != rows.end()) row->second.add(probe, at, roll);
      });
    }
    std::string text;
    for (; next_ < end; ++next_) {
      ReportDirection direction = rows.at(links_[next_].to).finish();
      text += (directions_.empty() ? "" : ",") + to_text(direction_json(direction));
      // The sentences need no curve over time.
      for (ReportMetric& metric : direction.metrics) metric.points = {};
      directions_.push_back(std::move(direction));
    }
    return text;
  }

  std::string tail() const {
    Json findings = Json::array();
    for (const Finding& finding : report_findings(directions_, span_)) findings.push_back(finding_json(finding));
    return R"(],"findings":)" + to_text(findings) + "}";
  }

  std::string mesh_;
  SharedTime now_;
  std::shared_ptr<HistoryReader> history_;
  ReportSpan span_;
  std::vector<Link> links_;
  std::size_t next_ = 0;
  std::vector<ReportDirection> directions_;
  bool began_ = false;
  bool ended_ = false;
};

}  // namespace

Response report_endpoint(const Target& target, const Sources& sources) {
  Parameters parameters(target, sources.now);
  const SharedTime until = parameters.time("until").value_or(sources.now);
  const SharedTime since = parameters.time("since").value_or(until - usual_span);
  const auto from = parameters.site("from", sources.mesh);
  const auto to = parameters.site("to", sources.mesh);
  if (since >= until) parameters.refuse(400, "since: must be before until");
  if (since >= sources.now) parameters.refuse(400, "since: is in the future; nothing is known of that");
  std::vector<Link> links = links_of(sources.mesh);
  const auto all_links = static_cast<double>(std::max<std::size_t>(links.size(), 1));
  std::erase_if(links, [&](const Link& link) { return (from && link.from != *from) || (to && link.to != *to); });
  if (links.empty()) parameters.refuse(404, "no agent measures such a link; /api/v1/sites says where agents are");
  double read = 0;
  for (const Probe probe : report_probes)
    read += expected_rolls(sources, probe, until - since) * static_cast<double>(links.size()) / all_links;
  if (read > history_results_limit)
    parameters.refuse(400,
                      fmt::format("since: this report is made of about {:.0f} minutes and hours, at most {:.0f} are "
                                  "read at once; ask for a shorter time or for one site (from, to)",
                                  read, history_results_limit));
  if (auto problem = parameters.problem()) return std::move(*problem);
  if (sources.history == nullptr) return no_store_response();
  Response response;
  response.body =
      PieceSource(ReportPieces(sources, ReportSpan::of(since, std::min(until, sources.now)), std::move(links)));
  return response;
}

}  // namespace sonde::web
