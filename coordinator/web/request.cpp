#include "coordinator/web/request.h"

#include <fmt/format.h>

#include <optional>

namespace sonde::web {
namespace {

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10U;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10U;
  return std::nullopt;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

Expected<std::string> percent_decode(std::string_view text, bool plus_is_blank) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+' && plus_is_blank) c = ' ';
    if (c == '%') {
      const auto high = i + 1 < text.size() ? hex_digit(text[i + 1]) : std::nullopt;
      const auto low = i + 2 < text.size() ? hex_digit(text[i + 2]) : std::nullopt;
      if (!high || !low) return fail("a '%' in the address is not followed by two hexadecimal digits");
      c = static_cast<char>(static_cast<unsigned char>(*high << 4U | *low));
      i += 2;
    }
    if (is_control(c)) return fail("the address holds a control character");
    out.push_back(c);
  }
  return out;
}

std::string_view without_authority(std::string_view text) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!text.starts_with(scheme)) continue;
    const auto path = text.find_first_of("/?", scheme.size());
    return path == std::string_view::npos ? std::string_view("/") : text.substr(path);
  }
  return text;
}

Expected<void> add_parameter(Target& target, std::string_view piece) {
  const auto equals = piece.find('=');
  const auto value_text = equals == std::string_view::npos ? std::string_view() : piece.substr(equals + 1);
  auto name = percent_decode(piece.substr(0, equals), true);
  if (!name) return std::unexpected(name.error());
  auto value = percent_decode(value_text, true);
  if (!value) return std::unexpected(value.error());
  if (target.parameter(*name) != nullptr)
    return fail(fmt::format("parameter '{}' is given twice; give it once", *name));
  if (target.parameters.size() >= target_parameter_limit)
    return fail(fmt::format("more than {} parameters", target_parameter_limit));
  target.parameters.emplace_back(std::move(*name), std::move(*value));
  return {};
}

}  // namespace

const std::string* Target::parameter(std::string_view name) const {
  for (const auto& [key, value] : parameters)
    if (key == name) return &value;
  return nullptr;
}

Expected<Target> parse_target(std::string_view text) {
  if (text.size() > target_length_limit)
    return fail(fmt::format("the address is longer than {} characters", target_length_limit));
  text = without_authority(text.substr(0, text.find('#')));
  const auto question = text.find('?');
  auto path = percent_decode(text.substr(0, question), false);
  if (!path) return std::unexpected(path.error());
  if (path->empty() || path->front() != '/') return fail("the address does not begin with a slash");
  Target target{std::move(*path), {}};
  std::string_view query = question == std::string_view::npos ? std::string_view() : text.substr(question + 1);
  while (!query.empty()) {
    const auto end = query.find('&');
    const auto piece = query.substr(0, end);
    if (!piece.empty())
      if (auto added = add_parameter(target, piece); !added) return std::unexpected(added.error());
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
  }
  return target;
}

}  // namespace sonde::web
