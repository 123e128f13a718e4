// A world of one latency stream in virtual time: a sender, a real reflector, a network that a script decides on.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "agent/core/latency_sender.h"
#include "agent/core/reflector.h"
#include "shared/wire/stamp_packet.h"

namespace sonde::test {

using namespace std::chrono_literals;

inline const SiteId berlin = SiteId::known("berlin");
inline const SiteId athens = SiteId::known("athens");
inline const Endpoint own{*IpAddress::parse("192.0.2.1"), 40'000};
inline const Endpoint far{*IpAddress::parse("192.0.2.2"), 7101};

/// What the network does to one probe.
struct Path {
  nanoseconds there = 20ms;
  nanoseconds back = 30ms;
  bool lost_there = false;
  bool lost_back = false;
  bool twice_there = false;
  bool twice_back = false;
};

/// One sender, one real reflector, a network that a script decides on, three clocks.
class LatencyWorld {
 public:
  explicit LatencyWorld(nanoseconds shared_ahead = 250ms) : sender({true, false}, 42) {
    clock = {.offset = shared_ahead, .error = 1ms, .known = true};
    plan.self = berlin;
    plan.generation = {3};
    plan.epoch = clock.shared(wall(MonoTime(0s)));
    plan.effective_at = plan.epoch;
    plan.streams = {stream()};
    restart_reflector();
  }

  static LatencyStreamPlan stream() {
    return {.to = athens,
            .addresses = {{*IpAddress::parse("2001:db8::2"), 7101}, far},
            .rate = {5},
            .every = 10s,
            .timeout = 2s,
            .phase = 0s,
            .stateful = true,
            .format = wire::ProbeFormat::agents(),
            .key = {},
            .dscp = 0,
            .shares_clock = true,
            .far_clock_error = {},
            .least_delay = {}};
  }
  void restart_reflector() {
    reflector = Reflector();
    reflector.set_members({own.address});
    reflector.set_clock_era(first_era);
  }
  /// The far clock jumps, and its host notices.
  void step_far_clock(nanoseconds by) {
    far_ahead += by;
    reflector.on_clock_step();
  }
  void start() {
    sender.set_clock(clock);
    sender.configure(plan);
  }

  WallTime wall(MonoTime t) const { return wall_from_ns(1'795'000'000'000'000'000 + to_ns(t) + stepped.count()); }
  Now present() const { return {now, wall(now)}; }

  /// Runs the world until `end`, events in order of time.
  void run_until(nanoseconds end) {
    while (true) {
      const auto wake = sender.next_deadline(present());
      const MonoTime next_packet = in_flight.empty() ? MonoTime::max() : in_flight.begin()->first;
      const MonoTime next = std::min(wake ? std::max(*wake, now) + delay_of_wakes : MonoTime::max(), next_packet);
      if (next > MonoTime(end)) break;
      now = std::max(now, next);
      if (next_packet <= now) {
        const auto arrive = in_flight.begin()->second;
        in_flight.erase(in_flight.begin());
        arrive();
      } else {
        turn();
      }
    }
    now = MonoTime(end);
  }

  const Result& last() const { return results.back(); }

  std::function<Path(std::uint32_t sequence)> network = [](std::uint32_t) { return Path{}; };
  std::function<bool(std::uint32_t sequence)> kernel_stamps = [](std::uint32_t) { return true; };
  std::function<std::uint8_t(std::uint8_t)> remark = [](std::uint8_t traffic_class) { return traffic_class; };
  std::function<std::uint8_t(std::uint8_t)> remark_back = [](std::uint8_t traffic_class) { return traffic_class; };
  std::function<bool(std::uint32_t sequence)> stuck = [](std::uint32_t) { return false; };
  std::uint32_t first_era = 7;  ///< 0: the far host does not tell of steps
  nanoseconds far_ahead{0};
  nanoseconds far_queue{0};  ///< between the far agent's own t3 and the reply's real departure
  bool no_ssid = false;      ///< the far side knows RFC 8762 only
  bool far_stamps = true;    ///< whether its kernel tells that departure
  nanoseconds stepped{0};
  nanoseconds delay_of_wakes{0};
  MonoTime now;
  ClockMap clock;
  LatencyPlan plan;
  LatencySender sender;
  Reflector reflector;
  std::vector<Result> results;
  std::vector<SentProbe> closed;  ///< where the sender keeps them
  std::vector<FarRun> far_runs;
  std::vector<OutgoingProbe> sent;
  std::vector<MonoTime> sent_at;
  Events events;
  std::multimap<MonoTime, std::function<void()>> in_flight;

 private:
  std::uint8_t probe_class() const { return static_cast<std::uint8_t>(plan.dscp << 2U); }

  void turn() {
    LatencyOutput out;
    sender.tick(present(), out);
    for (const OutgoingProbe& probe : out.probes) leave(probe);
    for (Result& result : out.results) results.push_back(std::move(result));
    for (Event& event : out.events) events.push_back(std::move(event));
    for (const SentProbe& probe : out.closed) closed.push_back(probe);
    for (const FarRun& run : out.far_runs) far_runs.push_back(run);
  }

  void leave(const OutgoingProbe& probe) {
    sent.push_back(probe);
    sent_at.push_back(now);
    const Path path = network(probe.sequence);
    if (kernel_stamps(probe.sequence)) {
      sender.on_kernel_stamp(probe.ssid, probe.sequence, SendStamp::scheduled, wall(now) + 10us);
      if (stuck(probe.sequence)) return;
      sender.on_kernel_stamp(probe.ssid, probe.sequence, SendStamp::sent, wall(now) + 40us);
    }
    for (int copy = 0; copy < (path.lost_there ? 0 : path.twice_there ? 2 : 1); ++copy)
      in_flight.emplace(now + path.there + 40us, [this, probe, path] { arrive_there(probe, path); });
  }

  void arrive_there(const OutgoingProbe& probe, const Path& path) {
    std::vector<std::uint8_t> reply;
    const WallTime t2 = wall(now) + far_ahead;
    const auto orders = reflector.on_packet({own, probe.octets, t2, 60, remark(probe_class())}, reply);
    if (!orders) return;
    wire::set_sent_at(reply, t2 + 100us);
    if (orders->stamp && far_stamps) reflector.on_sent(own, reply, t2 + 100us + far_queue);
    if (no_ssid) reply[14] = reply[15] = 0;
    const std::uint8_t back_class = remark_back(orders->traffic_class);
    for (int copy = 0; copy < (path.lost_back ? 0 : path.twice_back ? 2 : 1); ++copy)
      in_flight.emplace(now + path.back + 100us + far_queue, [this, reply, back_class] {
        sender.on_packet(now, {far, reply, wall(now), true, 59, back_class});
      });
  }
};

}  // namespace sonde::test
