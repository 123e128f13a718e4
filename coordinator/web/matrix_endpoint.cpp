#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <utility>

#include "coordinator/web/csv.h"
#include "coordinator/web/endpoints.h"
#include "coordinator/web/json.h"

namespace sonde::web {
namespace {

/// CSV has a layout of its own: a row for each cell.
enum class Layout { cells, columns, csv };

std::optional<Layout> take_layout(Parameters& parameters) {
  const auto text = parameters.text("layout");
  if (take_format(parameters) == Format::csv) {
    if (text) parameters.refuse(400, "layout: CSV has a row for each cell; leave it out");
    return Layout::csv;
  }
  if (!text || *text == "cells") return Layout::cells;
  if (*text == "columns") return Layout::columns;
  parameters.refuse(400, fmt::format("unknown layout '{}'; there are cells, columns", *text));
  return std::nullopt;
}

std::string head(const Mesh& mesh, const CellQuery& query) {
  std::string names;
  for (const SiteSpec& site : mesh.sites) names += (names.empty() ? "\"" : ",\"") + site.site.str() + '"';
  return fmt::format(R"({{"mesh":{},"metric":"{}","stat":"{}","unit":"{}","window_s":{},"at":"{}","sites":[{}])",
                     json_quoted(mesh.name), name(query.metric), name(query.stat), info(query.metric).unit,
                     to_seconds(query.window), format_rfc3339(query.at), names);
}

template <typename CellOf>
std::string as_cells(const Mesh& mesh, const CellQuery& query, const CellOf& cell_of) {
  std::string out = head(mesh, query) + R"(,"cells":[)";
  bool first = true;
  for (const Link& link : links_of(mesh)) {
    if (!std::exchange(first, false)) out += ',';
    append_cell(out, link, query.metric, cell_of(link, query));
  }
  return out + "]}";
}

/// Row-major over all sites; null where there is no cell.
template <typename CellOf>
std::string as_columns(const Mesh& mesh, const CellQuery& query, const CellOf& cell_of) {
  std::string value;
  std::string count;
  std::string age;
  std::string state;
  std::string error;
  for (const SiteSpec& from : mesh.sites) {
    for (const SiteSpec& to : mesh.sites) {
      for (std::string* column : {&value, &count, &age, &state, &error})
        if (!column->empty()) *column += ',';
      if (!from.has_agent || from.site == to.site) {
        for (std::string* column : {&value, &count, &age, &state, &error}) *column += "null";
        continue;
      }
      const Cell cell = cell_of(Link{from.site, to.site}, query);
      append_number(value, cell.value);
      fmt::format_to(std::back_inserter(count), "{}", cell.count);
      append_number(age, cell.age_s);
      fmt::format_to(std::back_inserter(state), "\"{}\"", name(cell.state));
      append_number(error, cell.error_s);
    }
  }
  std::string out = head(mesh, query) +
                    fmt::format(R"(,"value":[{}],"count":[{}],"age_s":[{}],"state":[{}])", value, count, age, state);
  if (query.metric == Metric::delay) out += fmt::format(R"(,"error_s":[{}])", error);
  return out + '}';
}

/// As `sonde matrix --format csv` writes it.
template <typename CellOf>
std::string as_csv(const Mesh& mesh, const CellQuery& query, const CellOf& cell_of) {
  std::string out = "from,to,metric,stat,unit,value,count,age_s,state,error_s\n";
  const auto append = [&](std::optional<double> number) {
    if (number && std::isfinite(*number)) append_number(out, number);
  };
  for (const Link& link : links_of(mesh)) {
    const Cell cell = cell_of(link, query);
    fmt::format_to(std::back_inserter(out), "{},{},{},{},{},", link.from.str(), link.to.str(), name(query.metric),
                   name(query.stat), info(query.metric).unit);
    append(cell.value);
    fmt::format_to(std::back_inserter(out), ",{},", cell.count);
    append(cell.age_s);
    fmt::format_to(std::back_inserter(out), ",{},", name(cell.state));
    append(cell.error_s);
    out += '\n';
  }
  return out;
}

template <typename CellOf>
Response answer(const Mesh& mesh, Layout layout, const CellQuery& query, const CellOf& cell_of) {
  if (layout == Layout::csv)
    return csv_response(as_csv(mesh, query, cell_of),
                        fmt::format("matrix-{}-{}", name(query.metric), name(query.stat)));
  Response response;
  response.body = layout == Layout::cells ? as_cells(mesh, query, cell_of) : as_columns(mesh, query, cell_of);
  return response;
}

}  // namespace

Response matrix_endpoint(const Target& target, const Sources& sources) {
  Parameters parameters(target, sources.now);
  const CellQuery query = parameters.cell_query();
  const auto layout = take_layout(parameters);
  if (auto problem = parameters.problem()) return std::move(*problem);

  if (sources.matrix.reaches(query, sources.now) || sources.history == nullptr) {
    const PresentMatrix matrix(sources, query.at);
    return answer(sources.mesh, *layout, query,
                  [&](const Link& link, const CellQuery& q) { return matrix.cell(link, q); });
  }

  const bool single = query.stat == Stat::ewma;
  const Probe probe = info(query.metric).probe;
  const double read =
      single ? expected_results(sources, probe, query.window) : expected_rolls(sources, probe, query.window);
  if (read > history_results_limit)
    return error_response(400, fmt::format("window: this matrix is made of about {:.0f} {}, at most {:.0f} are read "
                                           "at once; ask for a shorter window or for single links",
                                           read, single ? "results" : "minutes and hours", history_results_limit));
  return deferred_response([matrix = HistoricMatrix(sources), layout = *layout, query] {
    if (const auto problem = matrix.problem(query)) return error_response(400, *problem);
    return answer(matrix.mesh(), layout, query,
                  [&](const Link& link, const CellQuery& q) { return matrix.cell(link, q); });
  });
}

}  // namespace sonde::web
