#include "tests/wan/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <map>

namespace sonde::wan {
namespace {

constexpr std::uint32_t least_mtu = 68;      // RFC 791
constexpr std::uint32_t largest_mtu = 2000;  // what the emulator's buffers hold

Expected<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    return fail(fmt::format("'{}' is not a number", text));
  return value;
}

Expected<double> parse_ratio(std::string_view text) {
  const bool percent = text.ends_with('%');
  if (percent) text.remove_suffix(1);
  auto value = parse_number(text);
  if (!value) return value;
  if (percent) *value /= 100;
  if (*value < 0 || *value > 1) return fail(fmt::format("'{}' is no ratio; write 0.05 or 5%", text));
  return value;
}

Expected<std::optional<BitsPerSecond>> parse_rate(std::string_view text) {
  if (text == "unlimited") return std::optional<BitsPerSecond>();
  const auto rate = parse_bit_rate(text);
  if (!rate) return std::unexpected(rate.error());
  if (rate->value <= 0) return fail("a rate of 0 is written up=0");
  return *rate;
}

Expected<QueueLimit> parse_queue(std::string_view text) {
  if (const auto duration = parse_duration(text)) return *duration;
  const auto size = parse_size(text);
  if (!size) return fail(fmt::format("'{}' is neither a duration nor a size; write 100ms or 64kB", text));
  return *size;
}

Expected<double> parse_burst(std::string_view text) {
  auto value = parse_number(text);
  if (value && *value < 1) return fail("a loss burst has at least 1 packet");
  return value;
}

Expected<std::uint32_t> parse_mtu(std::string_view text) {
  const auto value = parse_number(text);
  if (!value) return std::unexpected(value.error());
  if (*value < least_mtu || *value > largest_mtu) return fail(fmt::format("mtu is {} to {}", least_mtu, largest_mtu));
  return static_cast<std::uint32_t>(*value);
}

Expected<bool> parse_up(std::string_view text) {
  if (text == "1" || text == "true") return true;
  if (text == "0" || text == "false") return false;
  return fail(fmt::format("'{}' is neither 0 nor 1", text));
}

Expected<Routers> parse_hops(std::string_view text) {
  constexpr std::size_t most_hops = 60;
  Routers routers;
  while (!text.empty()) {
    const std::string_view one = text.substr(0, text.find(','));
    text.remove_prefix(std::min(one.size() + 1, text.size()));
    if (one == "*") {
      routers.emplace_back();
      continue;
    }
    const auto address = IpAddress::parse(one);
    if (!address) return fail(fmt::format("'{}' is no address; write 192.0.2.201,*,2001:db8::201", one));
    routers.emplace_back(*address);
  }
  if (routers.size() > most_hops) return fail(fmt::format("at most {} hops", most_hops));
  return routers;
}

Expected<std::uint32_t> parse_hop(std::string_view text) {
  const auto value = parse_number(text);
  if (!value) return std::unexpected(value.error());
  if (*value < 0 || *value > 255) return fail("the number of a hop is 0 to 255");
  return static_cast<std::uint32_t>(*value);
}

using Setter = std::function<Expected<void>(PathSettings&, std::string_view)>;

template <auto Member, typename Parse>
Setter setter(Parse parse) {
  return [parse](PathSettings& settings, std::string_view text) -> Expected<void> {
    auto value = parse(text);
    if (!value) return std::unexpected(value.error());
    settings.*Member = *value;
    return {};
  };
}

const std::map<std::string_view, Setter>& setters() {
  static const std::map<std::string_view, Setter> table{
      {"delay", setter<&PathSettings::delay>(parse_duration)},
      {"jitter", setter<&PathSettings::jitter>(parse_duration)},
      {"rate", setter<&PathSettings::rate>(parse_rate)},
      {"queue", setter<&PathSettings::queue>(parse_queue)},
      {"bucket", setter<&PathSettings::bucket>(parse_size)},
      {"loss", setter<&PathSettings::loss>(parse_ratio)},
      {"loss_burst", setter<&PathSettings::loss_burst>(parse_burst)},
      {"reorder", setter<&PathSettings::reorder>(parse_ratio)},
      {"reorder_by", setter<&PathSettings::reorder_by>(parse_duration)},
      {"duplicate", setter<&PathSettings::duplicate>(parse_ratio)},
      {"mtu", setter<&PathSettings::mtu>(parse_mtu)},
      {"up", setter<&PathSettings::up>(parse_up)},
      {"hops", setter<&PathSettings::hops>(parse_hops)},
      {"fault_hop", setter<&PathSettings::fault_hop>(parse_hop)},
      {"mtu_told", setter<&PathSettings::mtu_told>(parse_up)},
  };
  return table;
}

}  // namespace

Expected<void> change(PathSettings& settings, std::string_view key, std::string_view value) {
  const auto found = setters().find(key);
  if (found == setters().end()) return fail(fmt::format("unknown setting '{}'", key));
  auto done = found->second(settings, value);
  if (!done) return fail(fmt::format("{}: {}", key, done.error().what));
  return {};
}

std::vector<std::string_view> setting_names() {
  std::vector<std::string_view> names;
  for (const auto& [name, set] : setters()) names.push_back(name);
  return names;
}

Expected<void> check(const PathSettings& settings) {
  if (settings.jitter > settings.delay) return fail("jitter is at most the delay");
  return {};
}

}  // namespace sonde::wan
