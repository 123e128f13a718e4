// The typed readings of config::Value.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "shared/config/fields.h"

namespace sonde::config {
namespace {

constexpr std::size_t longest_word = 80;

/// The vocabulary's parsers say "what; remedy" in one text.
void complain_as_parsed(const Value& value, const Error& error, std::string_view otherwise) {
  const std::size_t split = error.what.find("; ");
  if (split == std::string::npos) return value.complain(error.what, std::string(otherwise));
  value.complain(error.what.substr(0, split), error.what.substr(split + 2));
}

/// Reads a quantity with one of the vocabulary's parsers and holds it to a range.
template <typename T, typename Format>
std::optional<T> quantity(const Value& value, Expected<T> (*parse)(std::string_view), T least, T most,
                          const Format& format) {
  const auto text = value.text(longest_word);
  if (!text) return std::nullopt;
  const auto read = parse(*text);
  const std::string range = fmt::format("give {} to {}", format(least), format(most));
  if (!read) {
    complain_as_parsed(value, read.error(), range);
    return std::nullopt;
  }
  if (*read < least || most < *read) {
    value.complain(fmt::format("{} is out of range", in_quotes(*text)), range);
    return std::nullopt;
  }
  return *read;
}

template <typename T>
std::optional<T> whole(std::string_view text) {
  T number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  const auto port = whole<std::uint16_t>(text);
  return port && *port != 0 ? port : std::nullopt;
}

struct HostPort {
  std::string_view host;  ///< without brackets
  bool bracketed = false;
  std::uint16_t port = 0;
};

std::optional<HostPort> split_host_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  const auto port = parse_port(text.substr(colon + 1));
  if (!port) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (!bracketed && host.find(':') != std::string_view::npos) return std::nullopt;
  return HostPort{host, bracketed, *port};
}

/// RFC 1123 section 2.1; a name whose last label is a number would be read as an address (RFC 3696 section 2).
bool is_dns_name(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty() || name.size() > 253) return false;
  std::string_view label;
  while (true) {
    const std::size_t dot = name.find('.');
    label = name.substr(0, dot);
    const bool good = !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
                      std::ranges::all_of(label, [](char c) {
                        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
                      });
    if (!good) return false;
    if (dot == std::string_view::npos) break;
    name.remove_prefix(dot + 1);
  }
  return !std::ranges::all_of(label, [](char c) { return c >= '0' && c <= '9'; });
}

/// Neither "any address" nor multicast (RFC 5771, RFC 4291 section 2.7).
bool is_unicast(const IpAddress& address) {
  const bool v4 = address.family == IpAddress::Family::v4;
  if (v4) return address.octets[0] != 0 && address.octets[0] < 224;
  return address.octets[0] != 0xFF && address.octets != decltype(address.octets){};
}

/// RFC 2474 and 3246 (EF), 2597 (AF), 5865 (VA), 8622 (LE); nullopt for none of their names.
std::optional<std::uint8_t> dscp_by_name(std::string_view text) {
  std::string name(text);
  std::ranges::transform(name, name.begin(), [](char c) { return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c; });
  if (name == "DF" || name == "BE") return 0;
  if (name == "LE") return 1;
  if (name == "VA") return 44;
  if (name == "EF") return 46;
  const auto digit = [&](std::size_t at, int least, int most) {
    const int number = name.at(at) - '0';
    return number >= least && number <= most ? std::optional(number) : std::nullopt;
  };
  if (name.size() == 3 && name.starts_with("CS"))
    if (const auto selector = digit(2, 0, 7)) return static_cast<std::uint8_t>(8 * *selector);
  if (name.size() == 4 && name.starts_with("AF")) {
    const auto forwarding = digit(2, 1, 4);
    const auto drop = digit(3, 1, 3);
    if (forwarding && drop) return static_cast<std::uint8_t>(8 * *forwarding + 2 * *drop);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::uint8_t> Value::dscp() const {
  const auto text = this->text(longest_word);
  if (!text) return std::nullopt;
  constexpr std::uint8_t most = 63;
  if (const auto number = whole<std::uint8_t>(*text); number && *number <= most) return number;
  if (const auto named = dscp_by_name(*text)) return named;
  complain(fmt::format("{} is no class of service", in_quotes(*text)),
           "give 0 to 63, or a name such as EF, AF41 or CS5");
  return std::nullopt;
}

std::optional<std::string> Value::text(std::size_t longest) const {
  const auto refuse = [&](std::string what, std::string remedy) {
    complain(std::move(what), std::move(remedy));
    return std::nullopt;
  };
  if (node_->kind == Node::Kind::null || (node_->kind == Node::Kind::scalar && node_->text.empty()))
    return refuse("empty", "give a value, or leave the key out");
  if (node_->kind != Node::Kind::scalar)
    return refuse("a single value is needed here", "write one value, without [] or {}");
  if (node_->text.size() > longest)
    return refuse(fmt::format("{} is too long", in_quotes(node_->text)),
                  fmt::format("give at most {} characters", longest));
  if (std::ranges::any_of(node_->text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }))
    return refuse(fmt::format("{} holds a control character", in_quotes(node_->text)), "leave it out");
  return node_->text;
}

std::optional<bool> Value::boolean() const {
  if (is_word("true") || is_word("yes")) return true;
  if (is_word("false") || is_word("no")) return false;
  if (const auto word = text(longest_word))
    complain(fmt::format("{} is neither true nor false", in_quotes(*word)), "write true or false");
  return std::nullopt;
}

std::optional<std::int64_t> Value::integer(std::int64_t least, std::int64_t most) const {
  const auto word = text(longest_word);
  if (!word) return std::nullopt;
  const auto number = whole<std::int64_t>(*word);
  const std::string range = fmt::format("give a whole number from {} to {}", least, most);
  if (!number) return complain(fmt::format("{} is not a whole number", in_quotes(*word)), range), std::nullopt;
  if (*number < least || *number > most)
    return complain(fmt::format("{} is out of range", *number), range), std::nullopt;
  return number;
}

std::optional<double> Value::number(double least, double most) const {
  const auto word = text(longest_word);
  if (!word) return std::nullopt;
  const auto read = whole<double>(*word);
  const std::string range = fmt::format("give a number from {} to {}", least, most);
  if (!read) return complain(fmt::format("{} is not a number", in_quotes(*word)), range), std::nullopt;
  if (!(*read >= least && *read <= most))
    return complain(fmt::format("{} is out of range", *word), range), std::nullopt;
  return read;
}

std::optional<double> Value::share() const {
  const auto word = text(longest_word);
  if (!word) return std::nullopt;
  const bool percent = word->ends_with('%');
  const auto read = whole<double>(percent ? word->substr(0, word->size() - 1) : *word);
  const char* remedy = "give more than 0 and at most 100%, such as 10%";
  if (!read) return complain(fmt::format("{} is not a share", in_quotes(*word)), remedy), std::nullopt;
  const double value = percent ? *read / 100 : *read;
  if (!(value > 0 && value <= 1)) return complain(fmt::format("{} is out of range", *word), remedy), std::nullopt;
  return value;
}

std::optional<nanoseconds> Value::duration(nanoseconds least, nanoseconds most) const {
  return quantity(*this, parse_duration, least, most, format_duration);
}

std::optional<Bytes> Value::size(Bytes least, Bytes most) const {
  return quantity(*this, parse_size, least, most, format_size);
}

std::optional<BitsPerSecond> Value::bit_rate() const {
  return quantity(*this, parse_bit_rate, BitsPerSecond{1}, BitsPerSecond{1e12},
                  [](BitsPerSecond rate) { return fmt::format("{}bit/s", rate.value); });
}

std::optional<ProbeRate> Value::probe_rate(double least_per_second, double most_per_second) const {
  return quantity(*this, parse_probe_rate, ProbeRate{least_per_second}, ProbeRate{most_per_second},
                  [](ProbeRate rate) { return fmt::format("{}/s", rate.per_second); });
}

std::optional<SiteId> Value::site() const {
  const auto word = text();
  if (!word) return std::nullopt;
  auto site = SiteId::parse(*word);
  if (!site) return complain_as_parsed(*this, site.error(), "give a DNS label"), std::nullopt;
  return *std::move(site);
}

std::optional<std::filesystem::path> Value::file_path() const {
  const auto word = text();
  if (!word) return std::nullopt;
  return (report_->file().parent_path() / *word).lexically_normal();
}

std::optional<Endpoint> Value::endpoint() const {
  const auto word = text();
  if (!word) return std::nullopt;
  if (const auto split = split_host_port(*word)) {
    const auto address = IpAddress::parse(split->host);
    if (address && split->bracketed == (address->family == IpAddress::Family::v6))
      return Endpoint{*address, split->port};
  }
  complain(fmt::format("{} is not an address with a port", in_quotes(*word)),
           "write it like 127.0.0.1:8080 or [::1]:8080");
  return std::nullopt;
}

std::optional<std::string> Value::zmq_endpoint(bool may_bind) const {
  const auto word = text();
  if (!word) return std::nullopt;
  const std::string_view rest = std::string_view(*word).substr(word->starts_with("tcp://") ? 6 : 0);
  const auto split = rest.size() < word->size() ? split_host_port(rest) : std::nullopt;
  if (split) {
    const auto address = IpAddress::parse(split->host);
    const bool good = split->bracketed ? address && address->family == IpAddress::Family::v6
                                       : (may_bind && split->host == "*") || address || is_dns_name(split->host);
    if (good) return word;
  }
  complain(fmt::format("{} is not an endpoint", in_quotes(*word)),
           may_bind ? "write it like tcp://0.0.0.0:7100" : "write it like tcp://192.0.2.1:7100");
  return std::nullopt;
}

std::optional<std::string> Value::host() const {
  const auto word = text();
  if (!word) return std::nullopt;
  const auto address = IpAddress::parse(*word);
  if (address ? is_unicast(*address) : is_dns_name(*word)) return word;
  if (address)
    complain(fmt::format("{} is no address that a packet can be sent to", in_quotes(*word)), "give a unicast address");
  else if (split_host_port(*word))
    complain(fmt::format("{} names a port", in_quotes(*word)), "give the address alone, and the port as 'port'");
  else
    complain(fmt::format("{} is neither an address nor a DNS name", in_quotes(*word)),
             "write it like 192.0.2.10, 2001:db8::10 or probe.example.net");
  return std::nullopt;
}

std::optional<std::string> Value::url() const {
  const auto word = text();
  if (!word) return std::nullopt;
  for (const std::string_view scheme : {"http://", "https://"})
    if (word->starts_with(scheme) && word->size() > scheme.size() && word->find(' ') == std::string::npos) return word;
  complain(fmt::format("{} is not a URL", in_quotes(*word)), "write it like http://127.0.0.1:9093");
  return std::nullopt;
}

}  // namespace sonde::config
