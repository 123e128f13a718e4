#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <string>

#include "coordinator/cli/json_read.h"
#include "coordinator/cli/report_drawing.h"
#include "coordinator/cli/report_view.h"
#include "coordinator/cli/units.h"

namespace sonde::cli {
namespace {

using namespace report;

constexpr std::string_view style = R"(
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--rule:#d0d7de;--paper:#fff;--line:#0b5cad;--band:#9cc3ea;--bad:#b3261e;--warning:#8a5a00}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9da7b1;--rule:#3d444d;--paper:#0d1117;--line:#79b8ff;--band:#1f4e80;--bad:#ff8a80;--warning:#e3b341}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:1290px;margin:2em auto;padding:0 1em}
h1{font-size:1.6em}h2{font-size:1.2em;margin-top:2em;border-bottom:1px solid var(--rule)}h3{font-size:1em;font-weight:600;margin:.8em 0 .2em}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}th,td{padding:.2em .8em;border-bottom:1px solid var(--rule);text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left}thead th{color:var(--soft);font-weight:600}tbody th{font-weight:400}
.wide{overflow-x:auto}.note,footer{color:var(--soft)}.bad b{color:var(--bad)}.warning b{color:var(--warning)}
.curves{display:flex;flex-wrap:wrap;gap:0 1.5em}figure{margin:0;max-width:100%;break-inside:avoid}figcaption{font-weight:600}
svg{max-width:100%;height:auto}svg text{font:11px system-ui,sans-serif;fill:var(--soft)}.grid{stroke:var(--rule)}.band{fill:var(--band);opacity:.55}
.line{fill:none;stroke:var(--line);stroke-width:1.6;stroke-linejoin:round}.dot{fill:var(--line)}
)";

std::string text_of(std::string_view text) { return html_escaped(with_arrow(text)); }

void write_findings(std::string& out, const Json& report) {
  out += "<h2>What stands out</h2>\n<ul>\n";
  for (const Json& finding : at(report, "findings")) {
    const std::string weight = text_at(finding, "weight");
    const bool loud = weight == "bad" || weight == "warning";
    out += fmt::format("<li{}>{}{}</li>\n", loud ? " class=\"" + weight + "\"" : std::string(),
                       weight == "bad" ? "<b>Bad:</b> " : (loud ? "<b>Warning:</b> " : ""),
                       text_of(text_at(finding, "text")));
  }
  out += "</ul>\n";
}

void write_table(std::string& out, const Table& table) {
  out += fmt::format("<h2>{}</h2>\n", text_of(table.title));
  if (!table.note.empty()) out += fmt::format("<p class=\"note\">{}</p>\n", text_of(table.note));
  out += "<div class=\"wide\"><table>\n<thead><tr><th>direction</th>";
  for (const std::string& column : table.columns) out += fmt::format("<th>{}</th>", text_of(column));
  out += "</tr></thead>\n<tbody>\n";
  for (const Row& row : table.rows) {
    out += fmt::format("<tr><th scope=\"row\">{}</th>", text_of(row.direction));
    for (const std::string& cell : row.cells) out += fmt::format("<td>{}</td>", text_of(cell));
    out += "</tr>\n";
  }
  out += "</tbody>\n</table></div>\n";
}

void write_curves(std::string& out, const std::vector<Curve>& curves, std::string_view title, std::string_view note,
                  std::string_view what, const Drawing& drawing) {
  if (curves.empty()) return;
  out += fmt::format("<h2>{}</h2>\n<p class=\"note\">{}</p>\n<div class=\"curves\">\n", text_of(title), text_of(note));
  for (const Curve& curve : curves)
    out += fmt::format("<figure><figcaption>{}</figcaption>\n{}</figure>\n", text_of(curve.direction),
                       draw_curve(curve, what, drawing));
  out += "</div>\n";
}

Drawing over_time(const Json& report, std::size_t points) {
  constexpr int stretches = 4;
  const double length = number_at(report, "step_s").value_or(0) * static_cast<double>(points);
  Drawing drawing;
  for (int i = 0; i <= stretches; ++i) {
    const double share = static_cast<double>(i) / stretches;
    const std::string when = minute_later(text_at(report, "first_step"), share * length);
    drawing.ticks.emplace_back(share, when.empty() ? when : when.substr(5));  // without the year
  }
  return drawing;
}

Drawing by_hour() {
  constexpr int hours = 24;
  Drawing drawing{.width = 400, .height = 130, .ticks = {}};
  for (int hour = 0; hour <= hours; hour += 6)
    drawing.ticks.emplace_back(static_cast<double>(hour) / hours, fmt::format("{}:00", hour));
  return drawing;
}

std::string band_note(const CurveSet& set) {
  return set.over_time.front().lows.empty()
             ? ""
             : " The line is the median, the band goes from the 5th to the 95th percentile.";
}

}  // namespace

std::string report_html(const Json& report) {
  const std::string title = text_of("Report of the mesh " + heading(report));
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
      "<title>{0}</title>\n<style>{1}</style>\n</head>\n<body>\n<h1>{0}</h1>\n",
      title, style);
  write_findings(out, report);
  for (const Table& table : statistics(report)) write_table(out, table);
  write_table(out, outcomes(report));
  if (too_many_for_curves(report))
    out += fmt::format(
        "<p class=\"note\">Curves are left out for more than {} directions; ask for one site with --from or "
        "--to.</p>\n",
        curves_at_most);
  const double step = number_at(report, "step_s").value_or(0);
  for (const CurveSet& set : curves(report)) {
    write_curves(out, set.over_time, set.what + " over time",
                 fmt::format("Steps of {}, UTC.{}", human_age(step), band_note(set)), set.what,
                 over_time(report, set.over_time.front().values.size()));
    write_curves(out, set.by_hour, set.what + " by hour of the day", "UTC, all days together." + band_note(set),
                 set.what, by_hour());
  }
  out += fmt::format("<footer>Made {} UTC by Sonde.</footer>\n</body>\n</html>\n",
                     text_of(clock_time(text_at(report, "made_at"))));
  return out;
}

}  // namespace sonde::cli
