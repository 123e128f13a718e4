#include "agent/io/peer_survey.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <random>
#include <string>
#include <system_error>
#include <utility>

#include "agent/io/resolver.h"
#include "agent/io/tcp_socket.h"
#include "agent/io/udp_socket.h"
#include "shared/io/clock.h"
#include "shared/wire/stamp_packet.h"
#include "shared/wire/stamp_tlv.h"

namespace sonde::io {
namespace {

using std::chrono::milliseconds;

/// Octets of the IP packets that are tried, from what Ethernet carries down to what IPv6 needs at least. 0: the base
/// packet alone, as often as it stands here.
constexpr std::array<std::size_t, 12> sizes = {0, 0, 0, 1500, 1492, 1480, 1472, 1450, 1420, 1400, 1360, 1280};
/// A sequence number says to whom a packet went and which of the sizes it had.
constexpr std::uint32_t sizes_bits = 4;
constexpr nanoseconds step = milliseconds(100);
constexpr nanoseconds answers_wait = milliseconds(1500);
constexpr nanoseconds connect_wait = milliseconds(3000);
constexpr std::size_t connects_at_once = 256;

constexpr nanoseconds resolve_wait = std::chrono::seconds(5);

struct PeerTarget {
  SiteId site;
  IpAddress address;
  std::uint16_t port = 0;  ///< UDP; TCP where it has an agent
  bool has_agent = true;
};

/// The first address of each member that can be reached; those whose name cannot be resolved stay out.
std::vector<PeerTarget> find_targets(const std::vector<Member>& members) {
  boost::asio::io_context loop{1};
  Resolver resolver(loop);
  std::vector<PeerTarget> targets;
  std::size_t pending = 0;
  for (const Member& member : members) {
    if (!member.inbound || member.addresses.empty()) continue;
    const PeerTarget target{.site = member.site, .address = {}, .port = member.port, .has_agent = member.has_agent};
    const std::string& first = member.addresses.front();
    if (const auto address = IpAddress::parse(first)) {
      targets.push_back(target);
      targets.back().address = *address;
      continue;
    }
    while (pending >= Resolver::max_pending) loop.run_one();
    ++pending;
    resolver.resolve(first, resolve_wait, [&targets, &pending, target](const Resolution& found) {
      --pending;
      if (found.addresses.empty()) return;
      targets.push_back(target);
      targets.back().address = found.addresses.front();
    });
  }
  while (pending > 0) loop.run_one();
  return targets;
}

bool unspecified(const IpAddress& address) {
  return std::ranges::all_of(address.octets, [](std::uint8_t octet) { return octet == 0; });
}

std::size_t header_octets(const IpAddress& to) { return to.family == IpAddress::Family::v4 ? 28 : 48; }

/// Never fragmented, neither here nor by a kernel that remembers the way's MTU.
void forbid_fragments(const UdpSocket& socket) {
  const int probe = IP_PMTUDISC_PROBE;
  ::setsockopt(socket.fd(), IPPROTO_IP, IP_MTU_DISCOVER, &probe, sizeof probe);
  if (socket.has_v6()) ::setsockopt(socket.fd(), IPPROTO_IPV6, IPV6_MTU_DISCOVER, &probe, sizeof probe);
}

UdpSocket open_socket(const IpAddress& source) {
  if (!unspecified(source)) return UdpSocket({source, 0}, SendStamps::on_demand);
  try {
    return UdpSocket({IpAddress{.family = IpAddress::Family::v6}, 0}, SendStamps::on_demand);
  } catch (const std::system_error&) {  // a host without IPv6
    return UdpSocket({IpAddress{}, 0}, SendStamps::on_demand);
  }
}

class StampSurvey {
 public:
  StampSurvey(const std::vector<PeerTarget>& targets, const IpAddress& source, std::vector<doctor::Peer>& peers)
      : targets_(targets), peers_(peers), socket_(open_socket(source)), sent_(targets.size()) {
    forbid_fragments(socket_);
    std::random_device device;
    ssid_ = static_cast<std::uint16_t>(device() | 1U);
  }

  void run() {
    for (std::size_t size = 0; size < sizes.size(); ++size) {
      for (std::size_t target = 0; target < targets_.size(); ++target) send(target, size);
      listen_until(read_clock().mono + step);
    }
    listen_until(read_clock().mono + answers_wait);
  }

 private:
  void send(std::size_t target, std::size_t size);
  void listen_until(MonoTime end);
  void on_reply(const Datagram& datagram, MonoTime now);

  const std::vector<PeerTarget>& targets_;
  std::vector<doctor::Peer>& peers_;
  UdpSocket socket_;
  std::vector<std::array<MonoTime, sizes.size()>> sent_;
  std::uint16_t ssid_ = 1;
};

void StampSurvey::send(std::size_t target, std::size_t size) {
  const PeerTarget& to = targets_[target];
  const std::size_t octets = sizes[size] == 0 ? wire::stamp_base_octets : sizes[size] - header_octets(to.address);
  std::vector<std::uint8_t> packet(octets, 0);
  const Now now = read_clock();
  const auto sequence = static_cast<std::uint32_t>(target << sizes_bits | size);
  wire::write(
      wire::SenderPacket{
          .sequence = sequence, .sent_at = wire::NtpStamp::from_wall(now.wall), .error = {}, .ssid = ssid_},
      wire::StampMode::open, packet);
  if (octets > wire::stamp_base_octets) {
    const auto area = std::span(packet).subspan(wire::stamp_base_octets);
    area[0] = wire::tlv::unrecognised;
    area[1] = static_cast<std::uint8_t>(wire::TlvType::extra_padding);
    wire::put<std::uint16_t>(area, 2, static_cast<std::uint16_t>(area.size() - wire::tlv::header_octets));
    // A mesh that asks for other reflectors' sizes learns nothing from those that cut TLVs off: see on_reply.
  }
  const std::array<OutgoingDatagram, 1> outgoing = {
      OutgoingDatagram{.to = {to.address, to.port}, .octets = packet, .from = {}, .traffic_class = {}}};
  if (socket_.send(outgoing).taken != 1) return;  // larger than the first link carries
  sent_[target][size] = now.mono;
  peers_[target].tried_mtu = std::max(peers_[target].tried_mtu, sizes[size]);
}

void StampSurvey::on_reply(const Datagram& datagram, MonoTime now) {
  const auto reply = wire::decode_reflector(datagram.octets);
  if (!reply || (reply->ssid != ssid_ && reply->ssid != 0)) return;
  const std::size_t target = reply->sender_sequence >> sizes_bits;
  const std::size_t size = reply->sender_sequence & ((1U << sizes_bits) - 1);
  if (target >= targets_.size() || size >= sizes.size()) return;
  if (datagram.from != Endpoint{targets_[target].address, targets_[target].port}) return;
  doctor::Peer& peer = peers_[target];
  const nanoseconds took = now - sent_[target][size];
  if (!peer.stamp || took < *peer.stamp) peer.stamp = took;
  // Only a reply of the same length proves that the length passes both ways.
  if (datagram.octets.size() + header_octets(datagram.from.address) == sizes[size])
    peer.mtu = std::max(peer.mtu, sizes[size]);
}

void StampSurvey::listen_until(MonoTime end) {
  std::vector<StampedSend> stamps;
  std::vector<SendError> errors;
  for (MonoTime now = read_clock().mono; now < end; now = read_clock().mono) {
    pollfd ready{.fd = socket_.fd(), .events = POLLIN, .revents = 0};
    const auto left = std::chrono::ceil<milliseconds>(end - now);
    ::poll(&ready, 1, static_cast<int>(left.count()));
    socket_.drain_errors(stamps, errors);
    for (auto datagrams = socket_.receive(); !datagrams.empty(); datagrams = socket_.receive())
      for (const Datagram& datagram : datagrams) on_reply(datagram, read_clock().mono);
  }
}

/// One connection that is tried; `result` gets why it does not stand, and stays empty where it does.
struct Attempt {
  Endpoint to;
  std::string* result = nullptr;
};

std::string refusal(const Endpoint& to, int error) {
  return fmt::format("TCP {}: {}", to.port, std::generic_category().message(error));
}

void connect_all(std::span<const Attempt> attempts, const std::optional<IpAddress>& source) {
  std::vector<StartedConnect> started;
  std::vector<pollfd> waiting;
  for (const Attempt& attempt : attempts) {
    const bool same_family = source && source->family == attempt.to.address.family;
    started.push_back(start_connect(attempt.to, same_family ? source : std::nullopt));
    const int error = started.back().error;
    if (error != 0 && error != EINPROGRESS) *attempt.result = refusal(attempt.to, error);
    waiting.push_back({.fd = error == EINPROGRESS ? started.back().socket.get() : -1, .events = POLLOUT, .revents = 0});
  }
  const MonoTime end = read_clock().mono + connect_wait;
  const auto open = [&] { return std::ranges::any_of(waiting, [](const pollfd& each) { return each.fd >= 0; }); };
  for (MonoTime now = read_clock().mono; open() && now < end; now = read_clock().mono) {
    const auto left = std::chrono::ceil<milliseconds>(end - now);
    ::poll(waiting.data(), waiting.size(), static_cast<int>(left.count()));
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      if (waiting[i].fd < 0 || waiting[i].revents == 0) continue;
      if (const int error = pending_error(waiting[i].fd); error != 0)
        *attempts[i].result = refusal(attempts[i].to, error);
      waiting[i].fd = -1;
    }
  }
  for (std::size_t i = 0; i < waiting.size(); ++i)
    if (waiting[i].fd >= 0) *attempts[i].result = refusal(attempts[i].to, ETIMEDOUT);
  for (StartedConnect& each : started)
    if (each.socket) reset_connection(each.socket);
}

std::vector<doctor::Peer> survey_targets(const std::vector<PeerTarget>& targets, const IpAddress& source) {
  std::vector<doctor::Peer> peers;
  peers.reserve(targets.size());
  for (const PeerTarget& target : targets)
    peers.push_back(
        {.site = target.site, .has_agent = target.has_agent, .address = Endpoint{target.address, target.port}.str()});
  StampSurvey(targets, source, peers).run();
  std::vector<Attempt> attempts;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (!targets[i].has_agent) continue;
    const auto next = static_cast<std::uint16_t>(targets[i].port + 1);
    attempts.push_back({{targets[i].address, targets[i].port}, &peers[i].probe_port});
    attempts.push_back({{targets[i].address, next}, &peers[i].peer_port});
  }
  const std::optional<IpAddress> from = unspecified(source) ? std::nullopt : std::optional(source);
  for (std::size_t first = 0; first < attempts.size(); first += connects_at_once)
    connect_all(std::span(attempts).subspan(first, std::min(connects_at_once, attempts.size() - first)), from);
  return peers;
}

}  // namespace

std::vector<doctor::Peer> survey_peers(const std::vector<Member>& members, const IpAddress& source) {
  const auto seen = survey_targets(find_targets(members), source);
  std::vector<doctor::Peer> peers;
  for (const Member& member : members) {
    const auto found = std::ranges::find(seen, member.site, &doctor::Peer::site);
    doctor::Peer peer{.site = member.site};
    if (found != seen.end()) peer = *found;
    peer.has_agent = member.has_agent;
    peer.inbound = member.inbound;
    peers.push_back(std::move(peer));
  }
  return peers;
}

}  // namespace sonde::io
