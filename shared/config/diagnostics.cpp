#include "shared/config/diagnostics.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <tuple>

namespace sonde::config {
namespace {

/// A diagnostic is one line on a terminal whatever the file holds: control characters are written as \xNN.
std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F)
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte);
    else
      out += c;
  }
  return out;
}

}  // namespace

std::string Diagnostic::str() const {
  const std::string where = path.empty() ? "" : path + ": ";
  return printable(fmt::format("{}:{}:{}: {}{}; {}", file, line, column, where, what, remedy));
}

std::string shortened(std::string_view text) {
  constexpr std::size_t longest = 60;
  if (text.size() <= longest) return std::string(text);
  std::size_t end = longest;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return fmt::format("{}...", text.substr(0, end));
}

std::string to_text(const std::vector<Diagnostic>& diagnostics) {
  std::vector<const Diagnostic*> ordered;
  for (const Diagnostic& one : diagnostics) ordered.push_back(&one);
  std::ranges::stable_sort(ordered, {}, [](const Diagnostic* one) { return std::tuple(one->line, one->column); });
  std::string out;
  for (const Diagnostic* one : ordered) out += one->str() + "\n";
  return out;
}

}  // namespace sonde::config
