#include "coordinator/web/json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <array>
#include <cmath>
#include <iterator>
#include <utility>

#include "coordinator/core/reading.h"
#include "shared/measure/throughput.h"

namespace sonde::web {
namespace {

constexpr std::pair<Tag, std::string_view> tag_names[] = {
    {Tag::starved, "starved"},
    {Tag::user_clock, "user_clock"},
    {Tag::upper_bound, "upper_bound"},
    {Tag::budget_ended, "budget_ended"},
    {Tag::slot_ended, "slot_ended"},
    {Tag::settled, "settled"},
    {Tag::clock_stepped, "clock_stepped"},
    {Tag::unsynced, "unsynced"},
    {Tag::on_demand, "on_demand"},
    {Tag::loaded, "loaded"},
    {Tag::few_segments, "few_segments"},
};

void add_values(Json& line, const Result& result) {
  Json counts = Json::object();
  for (const auto& [metric, samples] : result.distributions) {
    const auto median = samples.quantile(0.5);
    line[std::string(name(metric))] = median ? number(*median / raw_per_unit(metric)) : Json(nullptr);
    counts[std::string(name(metric))] = samples.count();
  }
  for (const auto& [metric, value] : result.values) line[std::string(name(metric))] = number(value);
  for (const auto& [metric, hits, tries] : result.ratios) {
    line[std::string(name(metric))] =
        tries > 0 ? number(static_cast<double>(hits) / static_cast<double>(tries)) : Json(nullptr);
    counts[std::string(name(metric))] = tries;
  }
  if (!counts.empty()) line["counts"] = std::move(counts);
}

}  // namespace

std::string to_text(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string json_quoted(std::string_view text) { return to_text(Json(text)); }

Response json_response(const Json& json) {
  Response response;
  response.body = to_text(json);
  return response;
}

Response error_response(unsigned status, std::string_view what) {
  Response response = json_response(Json{{"error", what}});
  response.status = status;
  return response;
}

Response no_store_response() { return error_response(503, "no store is open; look at the coordinator's log"); }

Response deferred_response(Deferred answer) {
  Response response;
  response.body = std::move(answer);
  return response;
}

Json number(std::optional<double> value) { return value && std::isfinite(*value) ? Json(*value) : Json(nullptr); }
Json seconds(nanoseconds duration) { return to_seconds(duration); }
Json time(std::optional<SharedTime> t) { return t ? Json(format_rfc3339(*t)) : Json(nullptr); }

void append_number(std::string& out, std::optional<double> value) {
  if (value && std::isfinite(*value))
    fmt::format_to(std::back_inserter(out), "{}", *value);
  else
    out += "null";
}

void append_count(std::string& out, std::uint64_t count) {
  const fmt::format_int digits(count);
  out.append(digits.data(), digits.size());
}

void append_seconds(std::string& out, std::optional<double> seconds) {
  constexpr double most = 1e12;  // beyond, microseconds do not fit; nobody is that old
  if (!seconds || !(std::abs(*seconds) < most)) return append_number(out, seconds);
  const auto micros = static_cast<std::uint64_t>(std::llround(std::abs(*seconds) * 1e6));
  if (*seconds < 0 && micros > 0) out += '-';
  append_count(out, micros / 1'000'000);
  std::uint64_t rest = micros % 1'000'000;
  if (rest == 0) return;
  std::array<char, 7> fraction{'.', '0', '0', '0', '0', '0', '0'};
  std::size_t size = fraction.size();
  for (std::size_t digit = size - 1; digit > 0; --digit, rest /= 10)
    fraction.at(digit) = static_cast<char>('0' + rest % 10);
  while (fraction.at(size - 1) == '0') --size;
  out.append(fraction.data(), size);
}

void append_cell(std::string& out, const Link& link, Metric metric, const Cell& cell) {
  const auto end = std::back_inserter(out);
  fmt::format_to(end, R"({{"from":"{}","to":"{}","value":)", link.from.str(), link.to.str());
  append_number(out, cell.value);
  fmt::format_to(end, R"(,"count":{},"age_s":)", cell.count);
  append_seconds(out, cell.age_s);
  fmt::format_to(end, R"(,"state":"{}")", name(cell.state));
  if (cell.few()) out += R"(,"few":true)";
  if (metric == Metric::delay) {
    out += R"(,"error_s":)";
    append_number(out, cell.error_s);
  }
  out += '}';
}

std::string result_line(const Result& result) { return to_text(result_json(result)); }

Json result_json(const Result& result) {
  Json line{{"id", result.id.str()},
            {"seq", result.id.seq},
            {"probe", name(result.probe)},
            {"from", result.id.from.str()},
            {"to", result.to.str()},
            {"round", result.round.number},
            {"scheduled_at", time(result.scheduled_at)},
            {"started_at", time(result.started_at)},
            {"finished_at", time(result.finished_at)},
            {"outcome", name(result.outcome)},
            {"generation", result.generation.number}};
  if (!result.reason.empty()) line["reason"] = result.reason;
  add_values(line, result);
  Json tags = Json::array();
  for (const auto& [tag, tag_name] : tag_names)
    if (result.has(tag)) tags.push_back(tag_name);
  if (!tags.empty()) line["tags"] = std::move(tags);
  if (!result.details.empty()) {
    Json details = Json::object();
    for (const Detail& detail : result.details) details[detail.name] = number(detail.value);
    line["details"] = std::move(details);
    if (const auto limit = result.detail("limited_by"); limit && *limit >= 0 && *limit < throughput_limit_count)
      line["limited_by"] = name(static_cast<ThroughputLimit>(*limit));
  }
  return line;
}

}  // namespace sonde::web
