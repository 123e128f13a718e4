// The packet path allocates nothing for a packet: whatever is counted here is for a result, or for a table that fills.
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

#include "agent/core/latency_sender.h"
#include "agent/core/reflector.h"
#include "shared/wire/stamp_packet.h"

namespace {

std::atomic<std::size_t> allocations{0};

}  // namespace

// Of this whole test program: every other operator new ends in one of these two.
[[gnu::noinline]] void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* room = std::malloc(size > 0 ? size : 1)) return room;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(size > 0 ? size : 1);
}
[[gnu::noinline]] void operator delete(void* room) noexcept { std::free(room); }
[[gnu::noinline]] void operator delete(void* room, std::size_t) noexcept { std::free(room); }

using namespace sonde;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t streams = 49;

const IpAddress here = *IpAddress::parse("192.0.2.1");

/// Senders and reflector of the packet thread in virtual time: every probe is answered 40 ms later.
struct Path {
  Path() : sender({true, false}, 7) {
    reflector.set_members({here});
    LatencyPlan plan;
    plan.self = SiteId::known("berlin");
    plan.epoch = plan.effective_at = shared_from_ns(0);
    for (std::size_t i = 0; i < streams; ++i) {
      LatencyStreamPlan stream;
      stream.to = SiteId::known("far-" + std::to_string(i));
      stream.addresses = {{*IpAddress::parse("198.51.100." + std::to_string(1 + i)), 7101}};
      stream.rate = {5};
      stream.every = 10s;
      stream.timeout = 2s;
      stream.format = wire::ProbeFormat::agents();
      plan.streams.push_back(stream);
    }
    sender.set_clock({.offset = nanoseconds(0), .error = nanoseconds(0), .known = true});
    sender.configure(plan);
    replies.reserve(10'000);
  }

  WallTime wall() const { return wall_from_ns(1'700'000'000'000'000'000 + to_ns(now)); }

  void turn() {
    const Now present{now, wall()};
    for (; answered < replies.size() && replies[answered].due <= now; ++answered) {
      const Reply& reply = replies[answered];
      sender.on_packet(now, {.from = reply.from, .octets = reply.octets, .received_at = wall(), .ttl = 60});
    }
    out.clear();
    sender.tick(present, out);
    for (const OutgoingProbe& probe : out.probes) {
      sender.on_user_stamp(probe.ssid, probe.sequence, wall());
      sender.on_kernel_stamp(probe.ssid, probe.sequence, SendStamp::scheduled, wall() + 10us);
      sender.on_kernel_stamp(probe.ssid, probe.sequence, SendStamp::sent, wall() + 20us);
      const Endpoint from{here, 40'000};
      const auto orders = reflector.on_packet({from, probe.octets, wall() + 1ms, 60}, answer);
      if (!orders) continue;
      Reflector::seal(answer, *orders, wall() + 2ms);
      reflector.on_sent(from, answer, wall() + 2ms);
      Reply& reply = replies.emplace_back();
      reply.from = probe.to;
      std::ranges::copy(answer, reply.octets.begin());
      reply.due = now + 40ms;
      ++packets;
    }
    results += out.results.size();
    now += 1ms;
  }

  void run_until(nanoseconds end) {
    while (now < MonoTime(end)) turn();
  }

  struct Reply {
    Endpoint from;
    std::array<std::uint8_t, 100> octets{};
    MonoTime due;
  };
  MonoTime now;
  LatencySender sender;
  Reflector reflector;
  LatencyOutput out;
  std::vector<std::uint8_t> answer;
  std::vector<Reply> replies;
  std::size_t answered = 0;
  std::size_t packets = 0;
  std::size_t results = 0;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(packet_path)

BOOST_AUTO_TEST_CASE(between_two_results_nothing_is_allocated) {
  Path path;
  path.run_until(14s);  // the first intervals are reported, the second ones have begun
  BOOST_TEST_REQUIRE(path.results == streams);
  const std::size_t packets_before = path.packets;
  const std::size_t before = allocations.load();
  path.run_until(19'900ms);
  const std::size_t during = allocations.load() - before;
  const std::size_t packets = path.packets - packets_before;
  BOOST_TEST(packets > 1300U);
  BOOST_TEST(path.sender.counters().replies > packets);
  BOOST_TEST(path.results == streams);
  BOOST_TEST(during == 0U, during << " allocations for " << packets << " probes and their replies");
}

BOOST_AUTO_TEST_SUITE_END()
