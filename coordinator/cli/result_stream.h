// Results as they arrive, line by line, in bounded memory. Pure but for the printer that it is given.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "coordinator/cli/options.h"
#include "coordinator/cli/render.h"

namespace sonde::cli {

class ResultStream {
 public:
  /// False where nobody reads any more.
  using Printer = std::function<bool(std::string_view)>;

  ResultStream(Format format, const Terminal& terminal, Printer print);
  /// Bytes of newline-delimited JSON, cut anywhere. False: stop.
  bool add(std::string_view bytes);
  /// Shows what is held back. False where printing failed or a line was not JSON.
  bool finish();

 private:
  /// A table's columns are as wide as these rows need; then the next table begins.
  static constexpr std::size_t rows_in_a_table = 500;

  void take_line(std::string_view line);
  void flush();

  Format format_;
  Terminal terminal_;
  Printer print_;
  TextTable table_;
  std::string rest_;
  bool header_printed_ = false;
  bool good_ = true;
};

}  // namespace sonde::cli
