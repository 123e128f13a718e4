#include "tests/e2e/e2e_mesh.h"

#include <fmt/format.h>

#include <sstream>
#include <stdexcept>

#include "shared/base/time.h"

namespace sonde::e2e {

using namespace std::chrono_literals;
using nlohmann::json;

bool may_run() {
  static const Expected<void> may = [] {
    auto checked = lab::may_emulate();
    if (!checked) fmt::print("skipped: {}\n", checked.error().what);
    return checked;
  }();
  return may.has_value();
}

void check_alive(lab::Lab& lab) {
  if (const auto name = lab.fallen())
    throw std::runtime_error(fmt::format("{} ended by itself:\n{}", *name, lab.log_tail(*name)));
}

void wait_until_measuring(lab::Lab& lab, const std::string& metric) {
  const bool up = lab::eventually(30s, [&] {
    check_alive(lab);
    const auto reply = lab.get("/api/v1/matrix?metric=" + metric);
    const auto matrix = reply ? json::parse(reply->body, nullptr, false) : json();
    if (!matrix.is_object() || !matrix.contains("cells")) return false;
    for (const auto& one : matrix["cells"])
      if (one["value"].is_null()) return false;
    return true;
  });
  if (up) return;
  std::string logs;
  for (const std::string& site : lab.sites()) logs += fmt::format("--- {}\n{}", site, lab.log_tail(site));
  const auto reply = lab.get("/api/v1/matrix?metric=" + metric);
  throw std::runtime_error(fmt::format("no {} everywhere after 30 s\n{}\n--- coordinator\n{}{}", metric,
                                       reply ? reply->body : reply.error().what, lab.log_tail("coordinator"), logs));
}

Cell cell(const lab::Lab& lab, const std::string& metric, const std::string& from, const std::string& to,
          const std::string& query) {
  const auto reply = lab.get("/api/v1/matrix?metric=" + metric + query);
  if (!reply) throw std::runtime_error("matrix: " + reply.error().what);
  const auto matrix = json::parse(reply->body);
  if (!matrix.contains("cells")) throw std::runtime_error("matrix: " + reply->body);
  for (const auto& one : matrix["cells"]) {
    if (one["from"] != from || one["to"] != to) continue;
    Cell found{.value = std::nullopt, .count = one["count"], .state = one["state"]};
    if (!one["value"].is_null()) found.value = one["value"].get<double>();
    return found;
  }
  throw std::runtime_error(fmt::format("the matrix has no cell {}->{}", from, to));
}

std::vector<json> results(const lab::Lab& lab, const std::string& query) {
  const auto reply = lab::http_get(lab.url() + "/api/v1/results" + query, 20s);
  if (!reply || reply->status != 200)
    throw std::runtime_error("results: " + (reply ? reply->body : reply.error().what));
  std::vector<json> lines;
  std::istringstream text(reply->body);
  for (std::string line; std::getline(text, line);) lines.push_back(json::parse(line));
  return lines;
}

double counter(const lab::Lab& lab, const std::string& family, const std::string& label) {
  const auto reply = lab.get("/metrics");
  if (!reply) throw std::runtime_error("metrics: " + reply.error().what);
  double sum = 0;
  std::istringstream text(reply->body);
  for (std::string line; std::getline(text, line);) {
    const bool ours = line.starts_with(family + " ") || line.starts_with(family + "{");
    if (ours && line.find(label) != line.npos) sum += std::stod(line.substr(line.rfind(' ') + 1));
  }
  return sum;
}

double seconds_of(const json& time) {
  const auto parsed = parse_time(time.get<std::string>());
  if (!parsed) throw std::runtime_error(parsed.error().what);
  return static_cast<double>(to_ns(*parsed)) / 1e9;
}

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string topology(const std::vector<PathTruth>& paths, const std::string& more) {
  std::string text =
      "seed: 7\nsites:\n"
      "  - {name: berlin, address: 192.0.2.10}\n"
      "  - {name: athens, address: 192.0.2.20}\n"
      "  - {name: gdansk, address: 192.0.2.30}\n" +
      more + "paths:\n";
  for (const PathTruth& path : paths)
    text += fmt::format("  - {{from: {}, to: {}, delay: {}ms, rate: {}Mbit/s, queue: 100ms, loss: {}}}\n", path.from,
                        path.to, path.delay_ms, path.rate_mbit, path.loss);
  return text;
}

const PathTruth& reverse(const std::vector<PathTruth>& paths, const PathTruth& path) {
  for (const PathTruth& other : paths)
    if (other.from == path.to && other.to == path.from) return other;
  throw std::runtime_error("the topology is not complete");
}

}  // namespace sonde::e2e
