#include "agent/io/stamp_key_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

namespace sonde::io {
namespace {

constexpr std::size_t least_octets = 8;
constexpr std::string_view remedy =
    "write one line: 'hex:' and 16 to 64 hexadecimal digits (`openssl rand -hex 32`), or 'text:' and 8 to 32 visible "
    "characters";

/// False where these are not pairs of hexadecimal digits, or too many.
bool read_hex(std::string_view digits, wire::StampKey& key) {
  if (digits.size() % 2 != 0 || digits.size() < 2 * least_octets || digits.size() > 2 * key.size()) return false;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const char* end = digits.data() + i + 2;
    const auto read = std::from_chars(digits.data() + i, end, key.at(i / 2), 16);
    if (read.ec != std::errc() || read.ptr != end) return false;
  }
  return true;
}

bool read_text(std::string_view text, wire::StampKey& key) {
  const auto visible = [](char c) { return c > ' ' && c < '\x7f'; };
  if (text.size() < least_octets || text.size() > key.size() || !std::ranges::all_of(text, visible)) return false;
  std::ranges::copy(text, key.begin());
  return true;
}

}  // namespace

Expected<wire::StampKey> read_stamp_key(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string line;
  if (!in.is_open() || !std::getline(in, line))
    return fail(fmt::format("{}: cannot read the key: {}; {}", file.string(),
                            in.is_open() ? "the file is empty" : std::generic_category().message(errno), remedy));
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
  wire::StampKey key{};
  const std::string_view text = line;
  const bool good = text.starts_with("hex:")    ? read_hex(text.substr(4), key)
                    : text.starts_with("text:") ? read_text(text.substr(5), key)
                                                : false;
  if (!good) return fail(fmt::format("{}: not a key of STAMP; {}", file.string(), remedy));
  return key;
}

}  // namespace sonde::io
