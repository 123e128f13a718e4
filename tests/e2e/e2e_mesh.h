// What the end-to-end tests ask of a mesh in the lab.
#pragma once

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/wan/lab/lab.h"

namespace sonde::e2e {

/// False where the lab cannot be built here; prints `skipped: why` once.
bool may_run();

/// Waits until every agent was heard and one latency or connect result of each link is there. Throws
/// std::runtime_error, with what the logs say, after 30 s.
void wait_until_measuring(lab::Lab& lab, const std::string& metric);

/// One cell of /api/v1/matrix.
struct Cell {
  std::optional<double> value;
  std::uint64_t count = 0;
  std::string state;
};

/// `query` is behind `metric=...`: "&stat=last", "&window=20s". Throws std::runtime_error where there is no such cell.
Cell cell(const lab::Lab& lab, const std::string& metric, const std::string& from, const std::string& to,
          const std::string& query = {});

/// Every line of /api/v1/results. Throws std::runtime_error on anything else.
std::vector<nlohmann::json> results(const lab::Lab& lab, const std::string& query = {});

/// The value of a family in /metrics, summed over its labels (or over those whose line has `label` in it); 0 where
/// there is none.
double counter(const lab::Lab& lab, const std::string& family, const std::string& label = {});

/// RFC 3339 as seconds since 1970.
double seconds_of(const nlohmann::json& time);
double seconds_now();

/// Throws std::runtime_error, with the end of its log, where one has fallen.
void check_alive(lab::Lab& lab);

/// A directed path of a topology, for the file and for the truth.
struct PathTruth {
  std::string from;
  std::string to;
  double delay_ms = 0;
  double rate_mbit = 0;
  double loss = 0;

  /// Seconds that a packet of so many IP octets takes on the idle path.
  double one_way(double octets) const { return delay_ms / 1e3 + octets * 8 / (rate_mbit * 1e6); }
  /// TCP payload over IPv4 with timestamps in packets of 1,500 octets.
  double payload_rate() const { return rate_mbit * 1e6 * 1448 / 1500; }
};

/// A topology of berlin, athens and gdansk (and `more` lines of sites) with these paths.
std::string topology(const std::vector<PathTruth>& paths, const std::string& more = {});

/// The other way of the same pair.
const PathTruth& reverse(const std::vector<PathTruth>& paths, const PathTruth& path);

}  // namespace sonde::e2e
