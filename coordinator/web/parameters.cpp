#include "coordinator/web/parameters.h"

#include <fmt/format.h>

#include <charconv>

#include "coordinator/core/aggregate.h"
#include "shared/base/units.h"

namespace sonde::web {
namespace {

/// How far a client's clock may be ahead before its `at` counts as the future.
constexpr nanoseconds future_tolerance = std::chrono::seconds(60);

std::string metric_names() {
  std::string names;
  for (const MetricInfo& metric : all_metrics()) names += (names.empty() ? "" : ", ") + std::string(metric.name);
  return names;
}

std::optional<double> plain_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> whole_number(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

Stat default_stat(Metric metric) { return info(metric).shape == MetricShape::ratio ? Stat::mean : Stat::p50; }

const std::string* Parameters::take(std::string_view name) {
  asked_.emplace(name);
  return target_.parameter(name);
}

void Parameters::refuse(unsigned status, const std::string& what) {
  if (!problem_) problem_ = error_response(status, what);
}

std::optional<Response> Parameters::problem() const {
  if (problem_) return problem_;
  for (const auto& [name, value] : target_.parameters) {
    if (asked_.contains(name)) continue;
    std::string known;
    for (const std::string& candidate : asked_) known += (known.empty() ? "" : ", ") + candidate;
    return error_response(400, fmt::format("unknown parameter '{}'; {}", name,
                                           known.empty() ? "none is known here" : "known here: " + known));
  }
  return std::nullopt;
}

std::optional<std::string> Parameters::text(std::string_view name) {
  const std::string* value = take(name);
  return value != nullptr ? std::optional(*value) : std::nullopt;
}

std::optional<SharedTime> Parameters::time(std::string_view name) {
  const std::string* value = take(name);
  if (value == nullptr) return std::nullopt;
  const auto parsed = parse_time(*value);
  if (parsed) return *parsed;
  refuse(400, fmt::format("{}: '{}' is {}", name, *value, parsed.error().what));
  return std::nullopt;
}

std::optional<std::uint64_t> Parameters::number(std::string_view name) {
  const std::string* value = take(name);
  if (value == nullptr) return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number);
  if (error == std::errc() && end == value->data() + value->size()) return number;
  refuse(400, fmt::format("{}: '{}' is not a whole number; write it like {}=100", name, *value, name));
  return std::nullopt;
}

std::optional<nanoseconds> Parameters::duration(std::string_view name) {
  const std::string* value = take(name);
  if (value == nullptr) return std::nullopt;
  const auto parsed = parse_duration(plain_number(*value) ? *value + "s" : *value);
  if (parsed && parsed->count() > 0) return *parsed;
  refuse(400, fmt::format("{}: {}", name, parsed ? "must be longer than zero" : parsed.error().what));
  return std::nullopt;
}

std::optional<Probe> Parameters::probe(std::string_view name) {
  const std::string* value = take(name);
  if (value == nullptr) return std::nullopt;
  const auto probe = probe_named(*value);
  if (!probe) refuse(400, fmt::format("unknown probe '{}'; there are latency, connect, throughput, duplex", *value));
  return probe;
}

std::optional<RunId> Parameters::run(std::string_view name) {
  const std::string* value = take(name);
  if (value == nullptr) return std::nullopt;
  // SITE-SPOOL-SEQ; a site's name may hold hyphens, too.
  const std::string_view text = *value;
  const auto seq_at = text.rfind('-');
  const auto spool_at = seq_at == std::string_view::npos || seq_at == 0 ? seq_at : text.rfind('-', seq_at - 1);
  if (spool_at != std::string_view::npos && spool_at != seq_at) {
    const auto site = SiteId::parse(text.substr(0, spool_at));
    const auto spool = whole_number(text.substr(spool_at + 1, seq_at - spool_at - 1), 16);
    const auto seq = whole_number(text.substr(seq_at + 1), 10);
    if (site && spool && seq) return RunId{*site, *spool, *seq};
  }
  refuse(400,
         fmt::format("{}: '{}' is not the id of a result; they look like berlin-0123456789abcdef-42", name, *value));
  return std::nullopt;
}

std::optional<SiteId> Parameters::site(std::string_view name, const Mesh& mesh) {
  const std::string* value = take(name);
  if (value == nullptr) return std::nullopt;
  const auto site = SiteId::parse(*value);
  if (site && mesh.site(*site) != nullptr) return *site;
  refuse(404, fmt::format("unknown site '{}'; /api/v1/sites lists them", *value));
  return std::nullopt;
}

Metric Parameters::metric() {
  const std::string* value = take("metric");
  if (value == nullptr) return Metric::rtt;
  const auto metric = metric_named(*value);
  if (!metric) refuse(404, fmt::format("unknown metric '{}'; there are {}", *value, metric_names()));
  return metric.value_or(Metric::rtt);
}

nanoseconds Parameters::window(nanoseconds otherwise) { return duration("window").value_or(otherwise); }

SharedTime Parameters::at() {
  const auto at = time("at");
  if (!at) return now_;
  if (*at > now_ + future_tolerance)
    refuse(400, fmt::format("at: {} is in the future; it is {}", format_rfc3339(*at), format_rfc3339(now_)));
  return *at;
}

CellQuery Parameters::cell_query() {
  CellQuery query;
  query.metric = metric();
  query.stat = default_stat(query.metric);
  if (const std::string* value = take("stat")) {
    const auto stat = stat_named(*value);
    if (!stat)
      refuse(400, fmt::format("unknown stat '{}'; there are p5 p25 p50 p75 p95 p99 mean min max stddev last ewma hmean",
                              *value));
    else if (!stat_applies(query.metric, *stat))
      refuse(400, fmt::format("stat {} does not apply to {}; it is for throughput", *value, name(query.metric)));
    else
      query.stat = *stat;
  }
  query.window = window(std::chrono::hours(1));
  query.at = at();
  return query;
}

}  // namespace sonde::web
