#include "agent/io/route_interface.h"

#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "shared/io/fd.h"

namespace sonde::io {
namespace {

/// The kernel answers at once; this is against one that does not.
constexpr timeval patience{.tv_sec = 0, .tv_usec = 200'000};
constexpr std::size_t answer_octets = 16'384;
constexpr std::size_t question_octets = 128;

/// A question under construction: header, body, attributes.
template <typename Body>
class Question {
 public:
  Question(std::uint16_t type, const Body& body) {
    header_.nlmsg_type = type;
    header_.nlmsg_flags = NLM_F_REQUEST;
    put(NLMSG_HDRLEN, &body, sizeof body);
    used_ = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof body);
  }
  void attribute(std::uint16_t type, std::span<const std::uint8_t> value) {
    const rtattr attribute{static_cast<unsigned short>(RTA_LENGTH(value.size())), type};
    put(used_, &attribute, sizeof attribute);
    put(used_ + RTA_LENGTH(0), value.data(), value.size());
    used_ += RTA_SPACE(value.size());
  }
  std::span<const std::uint8_t> octets() {
    header_.nlmsg_len = static_cast<std::uint32_t>(used_);
    put(0, &header_, sizeof header_);
    return std::span(octets_).first(used_);
  }

 private:
  void put(std::size_t at, const void* data, std::size_t size) { std::memcpy(octets_.data() + at, data, size); }

  nlmsghdr header_{};
  std::array<std::uint8_t, question_octets> octets_{};
  std::size_t used_ = 0;
};

template <typename Value>
Value read(std::span<const std::uint8_t> octets) {
  Value value{};
  std::memcpy(&value, octets.data(), std::min(sizeof value, octets.size()));
  return value;
}

/// The body of the one answer of type `type`, its fixed part included; empty for anything else.
std::vector<std::uint8_t> ask(int socket, std::span<const std::uint8_t> question, std::uint16_t type) {
  if (::send(socket, question.data(), question.size(), 0) < 0) return {};
  std::vector<std::uint8_t> answer(answer_octets);
  const auto got = ::recv(socket, answer.data(), answer.size(), 0);
  if (got < static_cast<ssize_t>(sizeof(nlmsghdr))) return {};
  const auto header = read<nlmsghdr>(answer);
  if (header.nlmsg_type != type || header.nlmsg_len > static_cast<std::size_t>(got)) return {};
  return {answer.begin() + NLMSG_HDRLEN, answer.begin() + header.nlmsg_len};
}

/// Calls `use(type, value)` for each attribute.
template <typename Use>
void each_attribute(std::span<const std::uint8_t> rest, Use use) {
  while (rest.size() >= sizeof(rtattr)) {
    const auto attribute = read<rtattr>(rest);
    if (attribute.rta_len < sizeof(rtattr) || attribute.rta_len > rest.size()) return;
    use(attribute.rta_type, rest.subspan(RTA_LENGTH(0), attribute.rta_len - RTA_LENGTH(0)));
    rest = rest.subspan(std::min<std::size_t>(RTA_ALIGN(attribute.rta_len), rest.size()));
  }
}

std::optional<int> route_index(int socket, const IpAddress& to, const std::optional<IpAddress>& from) {
  const bool v6 = to.family == IpAddress::Family::v6;
  const std::size_t size = v6 ? 16 : 4;
  rtmsg body{};
  body.rtm_family = v6 ? AF_INET6 : AF_INET;
  body.rtm_dst_len = static_cast<unsigned char>(8 * size);
  if (from) body.rtm_src_len = body.rtm_dst_len;
  Question<rtmsg> question(RTM_GETROUTE, body);
  question.attribute(RTA_DST, std::span(to.octets).first(size));
  if (from) question.attribute(RTA_SRC, std::span(from->octets).first(size));
  const auto answer = ask(socket, question.octets(), RTM_NEWROUTE);
  std::optional<int> index;
  if (answer.size() < sizeof(rtmsg)) return index;
  each_attribute(std::span(answer).subspan(NLMSG_ALIGN(sizeof(rtmsg))), [&](unsigned type, auto value) {
    if (type == RTA_OIF) index = read<int>(value);
  });
  return index;
}

void add_counters(std::span<const std::uint8_t> value, RouteInterface& out) {
  const auto stats = read<rtnl_link_stats64>(value);
  out.counters = {
      {"rx_packets", stats.rx_packets}, {"tx_packets", stats.tx_packets}, {"rx_bytes", stats.rx_bytes},
      {"tx_bytes", stats.tx_bytes},     {"rx_errors", stats.rx_errors},   {"tx_errors", stats.tx_errors},
      {"rx_dropped", stats.rx_dropped}, {"tx_dropped", stats.tx_dropped}, {"rx_missed_errors", stats.rx_missed_errors},
      {"collisions", stats.collisions}};
}

}  // namespace

std::optional<RouteInterface> route_interface(const IpAddress& to, const std::optional<IpAddress>& from) {
  const Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!socket) return std::nullopt;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const auto index = route_index(socket.get(), to, from);
  if (!index) return std::nullopt;
  ifinfomsg body{};
  body.ifi_index = *index;
  Question<ifinfomsg> question(RTM_GETLINK, body);
  const auto answer = ask(socket.get(), question.octets(), RTM_NEWLINK);
  if (answer.size() < sizeof(ifinfomsg)) return std::nullopt;
  RouteInterface out;
  std::optional<std::uint64_t> carrier_changes;
  each_attribute(std::span(answer).subspan(NLMSG_ALIGN(sizeof(ifinfomsg))), [&](unsigned type, auto value) {
    if (type == IFLA_IFNAME) out.name.assign(value.begin(), std::ranges::find(value, std::uint8_t{0}));
    if (type == IFLA_MTU) out.mtu = read<std::uint32_t>(value);
    if (type == IFLA_STATS64) add_counters(value, out);
    if (type == IFLA_CARRIER_CHANGES) carrier_changes = read<std::uint32_t>(value);
  });
  if (carrier_changes) out.counters.emplace_back("carrier_changes", *carrier_changes);
  return out;
}

}  // namespace sonde::io
