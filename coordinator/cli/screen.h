// A screenful of text that is drawn over the one before. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sonde::cli {

/// What to write to a terminal of `height` lines so that it shows `text` and, in its last line, `status`: each line
/// over the old one and the rest of it cleared, so that nothing flickers or scrolls. Text that is longer is cut, and
/// the line before the status says how much is missing.
std::string screen_frame(std::string_view text, std::string_view status, std::size_t height);

/// Another screen, without cursor and without wrapping of long lines; and back.
inline constexpr std::string_view enter_screen = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J";
inline constexpr std::string_view leave_screen = "\x1b[?7h\x1b[?25h\x1b[?1049l";

}  // namespace sonde::cli
