#include "coordinator/cli/result_stream.h"

#include <nlohmann/json.hpp>

#include <utility>

#include "coordinator/cli/views.h"

namespace sonde::cli {

ResultStream::ResultStream(Format format, const Terminal& terminal, Printer print)
    : format_(format),
      terminal_(terminal),
      print_(std::move(print)),
      table_(format == Format::csv ? result_columns() : results_head()) {}

bool ResultStream::add(std::string_view bytes) {
  if (format_ == Format::json) return good_ = print_(bytes);
  while (good_ && !bytes.empty()) {
    const auto end = bytes.find('\n');
    rest_ += bytes.substr(0, end);
    if (end == std::string_view::npos) break;
    take_line(rest_);
    rest_.clear();
    bytes.remove_prefix(end + 1);
  }
  return good_;
}

bool ResultStream::finish() {
  if (format_ == Format::json) return good_;
  if (!rest_.empty()) take_line(std::exchange(rest_, {}));
  if (!table_.rows.empty() || !header_printed_) flush();
  return good_;
}

void ResultStream::take_line(std::string_view line) {
  const Json json = Json::parse(line, nullptr, false);
  if (json.is_discarded()) {
    good_ = false;
    return;
  }
  table_.rows.push_back(format_ == Format::csv ? result_fields(json) : result_row(json));
  if (table_.rows.size() >= rows_in_a_table) flush();
}

void ResultStream::flush() {
  if (table_.rows.empty() && format_ == Format::table) table_.legend = {"no results match"};
  const std::string text =
      format_ == Format::csv ? render_csv(table_, !header_printed_) : render_table(table_, terminal_);
  header_printed_ = true;
  table_.rows.clear();
  good_ = good_ && print_(text);
}

}  // namespace sonde::cli
