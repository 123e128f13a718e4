#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <memory>
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

/// `each(say)` calls say(from, to, cell) for every link, row by row, by the sites' places in the mesh.
template <typename Each>
std::string as_cells(const Mesh& mesh, const CellQuery& query, const Each& each) {
  std::string out = head(mesh, query) + R"(,"cells":[)";
  bool first = true;
  each([&](std::size_t from, std::size_t to, const Cell& cell) {
    if (!std::exchange(first, false)) out += ',';
    append_cell(out, {mesh.sites[from].site, mesh.sites[to].site}, query.metric, cell);
  });
  return out + "]}";
}

/// Row-major over all sites; null where there is no cell.
class Columns {
 public:
  explicit Columns(const Mesh& mesh, const CellQuery& query)
      : size_(mesh.sites.size()), errors_(query.metric == Metric::delay) {
    const std::size_t cells = size_ * size_;
    constexpr std::size_t octets = 12;  // of a number, more or less
    for (std::string* column : {&value_, &count_, &age_, &state_}) column->reserve(cells * octets);
  }

  void put(std::size_t from, std::size_t to, const Cell& cell) {
    leave_out_until(from * size_ + to);
    ++next_;
    append_number(value_, cell.value);
    append_count(count_, cell.count);
    append_seconds(age_, cell.age_s);
    ((state_ += '"') += name(cell.state)) += '"';
    if (errors_) append_number(error_, cell.error_s);
    separate();
  }

  std::string text(std::string head) {
    leave_out_until(size_ * size_);
    const auto add = [&](std::string_view name, std::string& column) {
      if (!column.empty()) column.pop_back();
      head += fmt::format(R"(,"{}":[)", name);
      head += column;
      head += ']';
      std::string().swap(column);
    };
    head.reserve(head.size() + value_.size() + count_.size() + age_.size() + state_.size() + error_.size() + 100);
    add("value", value_);
    add("count", count_);
    add("age_s", age_);
    add("state", state_);
    if (errors_) add("error_s", error_);
    return head + '}';
  }

 private:
  void leave_out_until(std::size_t place) {
    for (; next_ < place; ++next_) {
      for (std::string* column : {&value_, &count_, &age_, &state_}) *column += "null";
      if (errors_) error_ += "null";
      separate();
    }
  }

  void separate() {
    for (std::string* column : {&value_, &count_, &age_, &state_}) *column += ',';
    if (errors_) error_ += ',';
  }

  std::size_t size_;
  bool errors_;
  std::size_t next_ = 0;
  std::string value_;
  std::string count_;
  std::string age_;
  std::string state_;
  std::string error_;
};

template <typename Each>
std::string as_columns(const Mesh& mesh, const CellQuery& query, const Each& each) {
  Columns columns(mesh, query);
  each([&](std::size_t from, std::size_t to, const Cell& cell) { columns.put(from, to, cell); });
  return columns.text(head(mesh, query));
}

/// As `sonde matrix --format csv` writes it.
template <typename Each>
std::string as_csv(const Mesh& mesh, const CellQuery& query, const Each& each) {
  std::string out = "from,to,metric,stat,unit,value,count,age_s,state,error_s\n";
  const auto append = [&](std::optional<double> number) {
    if (number && std::isfinite(*number)) append_number(out, number);
  };
  each([&](std::size_t from, std::size_t to, const Cell& cell) {
    fmt::format_to(std::back_inserter(out), "{},{},{},{},{},", mesh.sites[from].site.str(), mesh.sites[to].site.str(),
                   name(query.metric), name(query.stat), info(query.metric).unit);
    append(cell.value);
    fmt::format_to(std::back_inserter(out), ",{},", cell.count);
    if (cell.age_s) append_seconds(out, cell.age_s);
    fmt::format_to(std::back_inserter(out), ",{},", name(cell.state));
    append(cell.error_s);
    out += '\n';
  });
  return out;
}

template <typename Each>
Response answer(const Mesh& mesh, Layout layout, const CellQuery& query, const Each& each) {
  if (layout == Layout::csv)
    return csv_response(as_csv(mesh, query, each), fmt::format("matrix-{}-{}", name(query.metric), name(query.stat)));
  Response response;
  response.body = layout == Layout::cells ? as_cells(mesh, query, each) : as_columns(mesh, query, each);
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
    return answer(sources.mesh, *layout, query, [&](const Matrix::EachCell& say) { matrix.each_cell(query, say); });
  }

  const bool single = query.stat == Stat::ewma;
  const Probe probe = info(query.metric).probe;
  const double read =
      single ? expected_results(sources, probe, query.window) : expected_rolls(sources, probe, query.window);
  if (read > history_results_limit)
    return error_response(400, fmt::format("window: this matrix is made of about {:.0f} {}, at most {:.0f} are read "
                                           "at once; ask for a shorter window or for single links",
                                           read, single ? "results" : "minutes and hours", history_results_limit));
  return deferred_response([matrix = std::make_shared<const HistoricMatrix>(sources), layout = *layout, query] {
    if (const auto problem = matrix->problem(query)) return error_response(400, *problem);
    return answer(matrix->mesh(), layout, query, [&](const Matrix::EachCell& say) { matrix->each_cell(query, say); });
  });
}

}  // namespace sonde::web
