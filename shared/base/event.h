// What happened, as a value: cores emit events, the shell prints them, rate-limited. docs/events.md has a paragraph for
// each code.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sonde {

enum class Severity : std::uint8_t { info, warning, error };

/// `code` is a stable name in snake_case that docs/events.md explains; fields are key=value pairs for the log line.
struct Event {
  Severity severity = Severity::info;
  std::string_view code;
  std::vector<std::pair<std::string_view, std::string>> fields;
};

using Events = std::vector<Event>;

}  // namespace sonde
