// ZeroMQ between agents: a ROUTER on listen.port + 1 that admits the members' keys, and a DEALER to each member that
// can be reached. A message to a site takes whichever way stands.
#pragma once

#include <boost/asio/io_context.hpp>
#include <zmq.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "shared/base/event.h"
#include "shared/io/zap.h"
#include "shared/io/zmq_link.h"
#include "shared/schedule/timetable.h"
#include "shared/wire/codec.h"
#include "shared/wire/messages.h"

namespace sonde::io {

class PeerLinks {
 public:
  struct Counters {
    std::uint64_t malformed = 0;  ///< messages that could not be decoded
    std::uint64_t unsent = 0;     ///< messages for which no way stood in time
  };
  static constexpr nanoseconds patience = std::chrono::seconds(5);
  static constexpr std::size_t most_waiting = 64;
  /// A link over which nothing can be sent is dialled anew after this long.
  static constexpr nanoseconds redial_after = std::chrono::seconds(2);
  /// A site that nobody can reach says Hello this often over the links that it has dialled: the way back to it.
  static constexpr nanoseconds hello_every = std::chrono::seconds(2);
  using OnMessage = std::function<void(const SiteId& from, const wire::Message& message)>;
  using OnEvent = std::function<void(Event)>;

  PeerLinks(boost::asio::io_context& loop, zmq::context_t& context, SiteId self, const std::string& endpoint,
            KeyPair keys, OnMessage on_message, OnEvent on_event);

  /// Keeps the links to members that did not change.
  void set_members(const std::vector<Member>& members);
  /// Where no way stands yet the message waits for one, for at most `patience`.
  void send(const SiteId& to, const wire::Message& message);
  /// Sends what waits and can go by now; to be called several times a second.
  void retry(MonoTime now);

  const Counters& counters() const { return counters_; }
  std::uint64_t strangers() const { return zap_.refused(); }

 private:
  struct Peer {
    Member member;
    std::unique_ptr<ZmqDealer> dealer;
    std::string route;  ///< back to the peer over our own router; empty until it has spoken
    MonoTime dialled{};
  };

  struct Waiting {
    SiteId to;
    wire::Buffer bytes;
    MonoTime until;
  };

  /// Over the link that was dialled; dials anew where it takes nothing.
  bool send_dialled(Peer& peer, std::span<const std::uint8_t> bytes);
  bool send_now(const SiteId& to, std::span<const std::uint8_t> bytes);
  void receive(const SiteId& from, std::span<const std::uint8_t> bytes);
  void dial(Peer& peer);
  void say_hello();

  boost::asio::io_context& loop_;
  zmq::context_t& context_;
  SiteId self_;
  KeyPair keys_;
  OnMessage on_message_;
  OnEvent on_event_;
  Counters counters_;
  std::map<SiteId, Peer> peers_;
  std::deque<Waiting> waiting_;
  bool hidden_ = false;  ///< nobody can reach this site
  MonoTime next_hello_{};
  ZapHandler zap_;
  ZmqRouter router_;
};

}  // namespace sonde::io
