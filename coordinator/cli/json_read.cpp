#include "coordinator/cli/json_read.h"

#include <nlohmann/json.hpp>

#include <utility>

#include "coordinator/cli/units.h"
#include "shared/base/time.h"

namespace sonde::cli {

const Json& at(const Json& json, std::string_view key) {
  static const Json none;
  if (!json.is_object()) return none;
  const auto found = json.find(std::string(key));
  return found == json.end() ? none : *found;
}

std::string text_at(const Json& json, std::string_view key) {
  const Json& value = at(json, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::optional<double> number_at(const Json& json, std::string_view key) {
  const Json& value = at(json, key);
  return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}

std::string raw(const Json& json) {
  if (json.is_null()) return "";
  if (json.is_string()) return json.get<std::string>();
  if (!json.is_array()) return json.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string out;
  for (const Json& item : json) out += (out.empty() ? "" : " ") + raw(item);
  return out;
}

std::string raw_at(const Json& json, std::string_view key) { return raw(at(json, key)); }

std::string ago(const Json& at, const Json& then) {
  if (!at.is_string() || !then.is_string()) return "";
  const auto now = parse_time(at.get<std::string>());
  const auto earlier = parse_time(then.get<std::string>());
  return now && earlier ? human_age(to_seconds(*now - *earlier)) + " ago" : "";
}

std::string clock_time(std::string_view rfc3339) {
  std::string text(rfc3339.substr(0, 19));
  if (text.size() == 19) text[10] = ' ';
  return text;
}

std::string human_at(const Json& json, std::string_view key, std::string_view unit) {
  const auto value = number_at(json, key);
  return value ? human(*value, unit) : "";
}

TextCell plain(std::string text, std::string raw_text) { return {std::move(text), std::move(raw_text), Tone::plain}; }

TextCell same(std::string text) {
  std::string raw_text = text;
  return plain(std::move(text), std::move(raw_text));
}

}  // namespace sonde::cli
