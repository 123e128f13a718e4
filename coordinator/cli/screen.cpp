#include "coordinator/cli/screen.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace sonde::cli {
namespace {

/// Terminals that know it show the frame at once; the others ignore it.
constexpr std::string_view begin_update = "\x1b[?2026h";
constexpr std::string_view end_update = "\x1b[?2026l";
constexpr std::string_view home = "\x1b[H";
constexpr std::string_view clear_to_end_of_line = "\x1b[K";
constexpr std::string_view clear_below = "\x1b[J";

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

}  // namespace

std::string screen_frame(std::string_view text, std::string_view status, std::size_t height) {
  const std::vector<std::string_view> lines = lines_of(text);
  const std::size_t room = std::max<std::size_t>(height, 2) - 1;
  const bool fits = lines.size() <= room;
  const std::size_t shown = fits ? lines.size() : room - 1;
  std::string out;
  const auto append = [&](std::string_view line) {
    out += line;
    out += clear_to_end_of_line;
    out += "\r\n";
  };
  out += begin_update;
  out += home;
  for (std::size_t i = 0; i < shown; ++i) append(lines[i]);
  if (!fits) append(fmt::format("... {} more lines; a larger window shows them", lines.size() - shown));
  out += status;
  out += clear_to_end_of_line;
  out += clear_below;
  out += end_update;
  return out;
}

}  // namespace sonde::cli
