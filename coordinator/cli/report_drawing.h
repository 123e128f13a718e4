// Curves as SVG, for the report's HTML. Pure. Private to report_*.cpp.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coordinator/cli/report_view.h"

namespace sonde::cli::report {

/// Text that may stand in HTML and in attributes.
std::string html_escaped(std::string_view text);

struct Drawing {
  int width = 620;
  int height = 150;
  /// Below the curve, each at a place from 0 (left) to 1 (right).
  std::vector<std::pair<double, std::string>> ticks;
};

/// The middle values as a line that is broken where nothing came, low to high as a band around it; the scale begins at
/// zero. What it shows is also said in words (aria-label).
std::string draw_curve(const Curve& curve, std::string_view what, const Drawing& drawing);

}  // namespace sonde::cli::report
