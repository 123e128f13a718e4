// What a link's readings mean, in sentences with their figures. Pure: results and states in, findings out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coordinator/core/matrix.h"
#include "coordinator/core/mesh.h"
#include "coordinator/core/roster.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/measure/result.h"
#include "shared/schedule/timetable.h"

namespace sonde {

/// How much a person should care; findings come in this order.
enum class Weight : std::uint8_t {
  bad,      ///< the link does not do its work, or nothing is known of it
  warning,  ///< it does it badly, or a figure is not the network's
  notice,   ///< a figure means something else than one might think
  info,     ///< what is as it should be
};
std::string_view name(Weight weight);

struct Finding {
  std::string_view code;  ///< stable; docs/api.md lists them
  Weight weight = Weight::info;
  std::string text;                                          ///< one or two sentences
  std::vector<std::pair<std::string_view, double>> figures;  ///< those of the text, in base units
};

struct ExplainInput {
  const Mesh& mesh;
  const Timetable& timetable;
  Link link;
  SharedTime now;
  nanoseconds window{0};
  /// What finished in (now - window, now], oldest first.
  std::vector<Result> latency;
  std::vector<Result> connect;
  std::vector<Result> throughput;
  /// Of rtt, connect and throughput.
  std::map<Probe, Cell> cells;
  /// Summaries of the open incidents that explain this link, with how long ago they began.
  std::vector<std::pair<std::string, nanoseconds>> incidents = {};
  /// What agents saw of the way at their onset.
  std::vector<std::string> paths = {};
  AgentStatus from;  ///< default where nothing is known
  AgentStatus to;
};

/// The most important first; never empty.
std::vector<Finding> explain(const ExplainInput& input);

// The parts, each of one probe; for explain.cpp.
void explain_latency(const ExplainInput& input, std::vector<Finding>& out);
void explain_connect(const ExplainInput& input, std::vector<Finding>& out);
void explain_throughput(const ExplainInput& input, std::vector<Finding>& out);

/// "3 of 20 runs": with the right plural.
std::string count_of(std::uint64_t part, std::uint64_t whole, std::string_view things);
/// "2 timeout, 1 refused" of the outcomes that are not ok; empty where all are.
std::string failures_in(const std::vector<Result>& results);
/// Of the results that were tried and are not ok.
std::uint64_t count_failed(const std::vector<Result>& results);
/// All samples of one distribution metric, raw.
Distribution merged(const std::vector<Result>& results, Metric metric);
/// The values of one value metric, ascending.
std::vector<double> values_of(const std::vector<Result>& results, Metric metric);
/// Of an ascending list that is not empty; the lower of the two in the middle.
double median_of(const std::vector<double>& values);

}  // namespace sonde
