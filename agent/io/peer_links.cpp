#include "agent/io/peer_links.h"

#include <fmt/format.h>

#include <algorithm>

#include "shared/base/endpoint.h"
#include "shared/io/clock.h"

namespace sonde::io {
namespace {

/// ZeroMQ resolves names by itself; IPv6 literals need brackets.
std::string endpoint_of(const Member& member) {
  const std::string& address = member.addresses.front();
  const auto parsed = IpAddress::parse(address);
  const bool brackets = parsed && parsed->family == IpAddress::Family::v6;
  return fmt::format("tcp://{}{}{}:{}", brackets ? "[" : "", address, brackets ? "]" : "", member.port + 1);
}

}  // namespace

PeerLinks::PeerLinks(boost::asio::io_context& loop, zmq::context_t& context, SiteId self, const std::string& endpoint,
                     KeyPair keys, OnMessage on_message, OnEvent on_event)
    : loop_(loop),
      context_(context),
      self_(std::move(self)),
      keys_(std::move(keys)),
      on_message_(std::move(on_message)),
      on_event_(std::move(on_event)),
      zap_(loop, context,
           [this](std::string_view address) {
             on_event_({Severity::warning, "peer_key_refused", {{"address", std::string(address)}}});
           }),
      router_(
          loop, context, endpoint, keys_,
          [this](const SiteId& site, const std::string& route, std::span<const std::uint8_t> bytes) {
            const auto peer = peers_.find(site);
            if (peer == peers_.end()) return;
            peer->second.route = route;
            receive(site, bytes);
          },
          [](ConnectionChange) {}) {}

void PeerLinks::set_members(const std::vector<Member>& members) {
  std::map<std::string, SiteId> keys;
  std::map<SiteId, Peer> peers;
  for (const Member& member : members) {
    if (member.site == self_) hidden_ = !member.inbound;
    if (!member.has_agent || member.site == self_ || member.public_key.empty()) continue;
    keys.emplace(member.public_key, member.site);
    const auto known = peers_.find(member.site);
    if (known != peers_.end() && known->second.member == member) {
      peers.insert(peers_.extract(known));
      continue;
    }
    Peer peer{.member = member, .dealer = nullptr, .route = {}, .dialled = {}};
    if (member.inbound && !member.addresses.empty()) dial(peer);
    peers.emplace(member.site, std::move(peer));
  }
  zap_.admit(std::move(keys));
  peers_ = std::move(peers);
}

void PeerLinks::dial(Peer& peer) {
  const std::string endpoint = endpoint_of(peer.member);
  peer.dialled = read_clock().mono;
  try {
    peer.dealer = std::make_unique<ZmqDealer>(
        loop_, context_, endpoint, keys_, peer.member.public_key,
        [this, site = peer.member.site](std::span<const std::uint8_t> bytes) { receive(site, bytes); }, nullptr);
  } catch (const zmq::error_t& error) {
    on_event_({Severity::warning,
               "peer_link_failed",
               {{"site", peer.member.site.str()}, {"endpoint", endpoint}, {"reason", error.what()}}});
  }
}

void PeerLinks::receive(const SiteId& from, std::span<const std::uint8_t> bytes) {
  const auto message = wire::decode(bytes);
  if (!message) {
    ++counters_.malformed;
    on_event_({Severity::warning, "message_malformed", {{"site", from.str()}, {"reason", message.error().what}}});
    return;
  }
  on_message_(from, *message);
}

// libzmq gives up for ever on a peer that refused our key, as one does that hears of us later than we of it.
bool PeerLinks::send_dialled(Peer& peer, std::span<const std::uint8_t> bytes) {
  if (!peer.dealer) return false;
  if (peer.dealer->send(bytes)) return true;
  if (read_clock().mono >= peer.dialled + redial_after) dial(peer);
  return false;
}

bool PeerLinks::send_now(const SiteId& to, std::span<const std::uint8_t> bytes) {
  const auto peer = peers_.find(to);
  if (peer == peers_.end()) return false;
  if (send_dialled(peer->second, bytes)) return true;
  return !peer->second.route.empty() && router_.send(peer->second.route, bytes);
}

void PeerLinks::send(const SiteId& to, const wire::Message& message) {
  auto bytes = wire::encode(message);
  const bool in_turn = std::ranges::find(waiting_, to, &Waiting::to) == waiting_.end();
  if (in_turn && send_now(to, bytes)) return;
  if (waiting_.size() >= most_waiting) {
    ++counters_.unsent;
    return;
  }
  waiting_.push_back({to, std::move(bytes), read_clock().mono + patience});
}

void PeerLinks::say_hello() {
  wire::Hello hello;
  hello.site = self_;
  const wire::Buffer bytes = wire::encode(hello);
  for (auto& [site, peer] : peers_) send_dialled(peer, bytes);
}

void PeerLinks::retry(MonoTime now) {
  if (hidden_ && now >= next_hello_) {
    next_hello_ = now + hello_every;
    say_hello();
  }
  std::erase_if(waiting_, [&](const Waiting& message) {
    if (send_now(message.to, message.bytes)) return true;
    if (now < message.until) return false;
    ++counters_.unsent;
    on_event_({Severity::warning, "peer_unreachable", {{"site", message.to.str()}}});
    return true;
  });
}

}  // namespace sonde::io
