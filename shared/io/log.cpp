#include "shared/io/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>

namespace sonde::io {
namespace {

spdlog::logger& logger() {
  static const auto instance = [] {
    auto made = std::make_shared<spdlog::logger>("sonde", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%f%z %l %v");
    made->flush_on(spdlog::level::info);
    return made;
  }();
  return *instance;
}

spdlog::level::level_enum level_of(Severity severity) {
  switch (severity) {
    case Severity::info: return spdlog::level::info;
    case Severity::warning: return spdlog::level::warn;
    case Severity::error: return spdlog::level::err;
  }
  return spdlog::level::err;
}

/// Line breaks and control characters become blanks: one event is one line, whatever a peer put into it.
void append_value(std::string& line, std::string_view value) {
  const bool quote = value.empty() || value.find_first_of(" \"=") != std::string_view::npos;
  if (quote) line += '"';
  for (const char c : value) {
    if (c == '"') line += '\\';
    line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  }
  if (quote) line += '"';
}

}  // namespace

void EventLog::write(MonoTime now, const Event& event) {
  Window& window = windows_[event.code];
  if (window.written == 0 || now - window.began >= interval) window = {now, 0, window.held_back};
  if (window.written >= burst) {
    ++window.held_back;
    return;
  }
  ++window.written;
  std::string line(event.code);
  for (const auto& [key, value] : event.fields) {
    line += ' ';
    line += key;
    line += '=';
    append_value(line, value);
  }
  if (window.held_back > 0) line += " held_back=" + std::to_string(window.held_back);
  window.held_back = 0;
  logger().log(level_of(event.severity), "{}", line);
}

void EventLog::write(MonoTime now, const Events& events) {
  for (const Event& event : events) write(now, event);
}

}  // namespace sonde::io
