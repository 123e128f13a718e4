#include "coordinator/cli/report_drawing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "coordinator/cli/units.h"

namespace sonde::cli::report {
namespace {

constexpr double left_margin = 78;
constexpr double right_margin = 10;
constexpr double top_margin = 8;
constexpr double bottom_margin = 22;
constexpr int lines_of_scale = 2;  ///< beside zero

/// The least of 1, 2, 2.5, 5 times a power of ten that is not less.
double round_up(double value) {
  if (!(value > 0) || !std::isfinite(value)) return 1;
  const double power = std::pow(10, std::floor(std::log10(value)));
  for (const double factor : {1.0, 2.0, 2.5, 5.0})
    if (value <= factor * power * (1 + 1e-9)) return factor * power;
  return 10 * power;
}

struct Scale {
  const Drawing& drawing;
  double greatest;
  std::size_t count;

  double x_at(double share) const { return left_margin + share * (drawing.width - left_margin - right_margin); }
  /// In the middle of the value's own stretch.
  double x(std::size_t i) const { return x_at((static_cast<double>(i) + 0.5) / static_cast<double>(count)); }
  double y(double value) const {
    const double height = drawing.height - top_margin - bottom_margin;
    return top_margin + height * (1 - std::clamp(value / greatest, 0.0, 1.0));
  }
};

/// [begin, end) of each stretch without a gap.
std::vector<std::pair<std::size_t, std::size_t>> stretches(const std::vector<double>& values) {
  std::vector<std::pair<std::size_t, std::size_t>> found;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= values.size(); ++i) {
    if (i < values.size() && std::isfinite(values[i])) continue;
    if (i > begin) found.emplace_back(begin, i);
    begin = i + 1;
  }
  return found;
}

std::string points_of(const std::vector<double>& values, std::size_t begin, std::size_t end, const Scale& scale) {
  std::string out;
  for (std::size_t i = begin; i < end; ++i)
    out += fmt::format("{}{:.1f},{:.1f}", out.empty() ? "" : " ", scale.x(i), scale.y(values[i]));
  return out;
}

void draw_band(std::string& out, const Curve& curve, const Scale& scale) {
  if (curve.lows.empty() || curve.highs.empty()) return;
  for (const auto& [begin, end] : stretches(curve.lows)) {
    std::string edge = points_of(curve.lows, begin, end, scale);
    for (std::size_t i = end; i-- > begin;)
      edge += fmt::format(" {:.1f},{:.1f}", scale.x(i), scale.y(std::isfinite(curve.highs[i]) ? curve.highs[i] : 0));
    out += fmt::format(R"(<polygon class="band" points="{}"/>)", edge);
  }
}

void draw_line(std::string& out, const Curve& curve, const Scale& scale) {
  for (const auto& [begin, end] : stretches(curve.values)) {
    if (end - begin == 1)
      out += fmt::format(R"(<circle class="dot" cx="{:.1f}" cy="{:.1f}" r="2"/>)", scale.x(begin),
                         scale.y(curve.values[begin]));
    else
      out += fmt::format(R"(<polyline class="line" points="{}"/>)", points_of(curve.values, begin, end, scale));
  }
}

void draw_axes(std::string& out, const Curve& curve, const Scale& scale) {
  for (int i = 0; i <= lines_of_scale; ++i) {
    const double value = scale.greatest * i / lines_of_scale;
    out += fmt::format(R"(<line class="grid" x1="{0:.1f}" x2="{1:.1f}" y1="{2:.1f}" y2="{2:.1f}"/>)"
                       R"(<text x="{3:.1f}" y="{4:.1f}" text-anchor="end">{5}</text>)",
                       scale.x_at(0), scale.x_at(1), scale.y(value), left_margin - 6, scale.y(value) + 4,
                       html_escaped(human(value, curve.unit)));
  }
  for (const auto& [share, text] : scale.drawing.ticks)
    out += fmt::format(R"(<text x="{:.1f}" y="{}" text-anchor="{}">{}</text>)", scale.x_at(share),
                       scale.drawing.height - 6, share <= 0 ? "start" : (share >= 1 ? "end" : "middle"),
                       html_escaped(text));
}

}  // namespace

std::string html_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += static_cast<unsigned char>(c) < 0x20 && c != '\n' ? '?' : c;
    }
  }
  return out;
}

std::string draw_curve(const Curve& curve, std::string_view what, const Drawing& drawing) {
  double least = INFINITY;
  double greatest = 0;
  double highest = 0;
  for (const double value : curve.values)
    if (std::isfinite(value)) {
      least = std::min(least, value);
      greatest = std::max(greatest, value);
    }
  for (const double value : curve.highs)
    if (std::isfinite(value)) highest = std::max(highest, value);
  const Scale scale{drawing, round_up(std::max(greatest, highest)), std::max<std::size_t>(curve.values.size(), 1)};
  std::string out = fmt::format(R"(<svg viewBox="0 0 {0} {1}" width="{0}" height="{1}" role="img" aria-label="{2}">)",
                                drawing.width, drawing.height,
                                html_escaped(fmt::format("{} of {}: {} to {}", what, curve.direction,
                                                         std::isfinite(least) ? human(least, curve.unit) : "nothing",
                                                         human(greatest, curve.unit))));
  draw_axes(out, curve, scale);
  draw_band(out, curve, scale);
  draw_line(out, curve, scale);
  return out + "</svg>\n";
}

}  // namespace sonde::cli::report
