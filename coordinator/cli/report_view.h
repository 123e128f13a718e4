// The coordinator's report as a document. Pure; what is missing or of another type shows as empty, never fails.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "coordinator/cli/views.h"

namespace sonde::cli {

/// Markdown (GitHub's tables), also readable as it is; curves are lines of block characters.
std::string report_markdown(const Json& report);
/// One HTML file with its own style and drawings (SVG), nothing from elsewhere and no script.
std::string report_html(const Json& report);
/// For CSV: one row for each direction and metric.
TextTable report_rows(const Json& report);

/// What both forms write. Private to report_*.cpp.
namespace report {

/// Beyond so many directions curves are left out of a document, and it says so; --from and --to ask for fewer.
inline constexpr std::size_t curves_at_most = 200;

struct Row {
  std::string direction;  ///< "berlin -> athens"
  std::vector<std::string> cells;
};
struct Table {
  std::string title;
  std::string note;  ///< one sentence, may be empty
  std::vector<std::string> columns;
  std::vector<Row> rows;
};
/// Average, median, standard deviation, least and greatest of each direction; one table for each metric.
std::vector<Table> statistics(const Json& report);
/// How the runs ended.
Table outcomes(const Json& report);

/// A metric of one direction over time, or over the hours of the day.
struct Curve {
  std::string direction;
  std::string unit;
  std::vector<double> values;  ///< NaN where nothing came
  std::vector<double> lows;    ///< the same length, or empty
  std::vector<double> highs;
};
struct CurveSet {
  std::string metric;
  std::string what;  ///< for people: "Time to connect"
  std::vector<Curve> over_time;
  std::vector<Curve> by_hour;
};
/// Of latency (connect, rtt), loss and throughput; those that have any. Empty beyond curves_at_most directions.
std::vector<CurveSet> curves(const Json& report);
bool too_many_for_curves(const Json& report);

/// "2026-01-02 03:04" of an RFC 3339 time, later by so many seconds.
std::string minute_later(std::string_view rfc3339, double seconds);
/// "europe, 2026-01-02 03:04 to 2026-01-09 03:04 UTC"
std::string heading(const Json& report);
/// "berlin -> athens" with a real arrow.
std::string with_arrow(std::string_view text);

}  // namespace report

}  // namespace sonde::cli
