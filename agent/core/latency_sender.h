// All streams of one agent: keeps them to the plan, hands out the probes that are due, finds the stream that a reply or
// a stamp belongs to. Pure: the shell (agent/io/latency_path) carries the packets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/core/latency_plan.h"
#include "agent/core/latency_stream.h"
#include "shared/base/endpoint.h"
#include "shared/base/event.h"
#include "shared/base/random.h"
#include "shared/base/time.h"
#include "shared/measure/result.h"

namespace sonde {

/// What a turn brings about.
struct LatencyOutput {
  std::vector<OutgoingProbe> probes;  ///< send at once, in this order
  std::vector<nanoseconds> lateness;  ///< of each of these, behind its planned instant
  std::vector<Result> results;        ///< id = {self, 0, 0}: the spool numbers them
  std::vector<SentProbe> closed;      ///< the probes of these results, where they are kept
  std::vector<FarRun> far_runs;       ///< what replies since the last turn said of far sites' throughput runs
  Events events;

  /// Empties it and keeps its room, so that a steady turn allocates nothing.
  void clear();
};

/// Which address families the sending socket has.
struct Families {
  bool v4 = true;
  bool v6 = false;
};

/// Nothing is sent before the first known clock map and the plan's effective_at. A plan that comes later replaces the
/// one before it at its effective_at; streams whose settings it does not change go on undisturbed, others start anew
/// with a new SSID and sequence 0, and what they had under way is dropped.
class LatencySender {
 public:
  static constexpr std::size_t most_bursts = 64;

  struct Counters {
    std::uint64_t sent = 0;
    std::uint64_t replies = 0;  ///< in time
    std::uint64_t late = 0;
    std::uint64_t duplicates = 0;
    std::uint64_t foreign = 0;     ///< no reply to anything that we sent
    std::uint64_t unverified = 0;  ///< its HMAC was wrong
    std::uint64_t missed = 0;      ///< send instants
    std::uint64_t lost_here = 0;
    std::uint64_t lost_stamps = 0;  ///< probes of closed intervals whose departure the kernel did not stamp
    std::uint64_t clock_steps = 0;
  };

  /// keep_probes: each result's probes are handed out with it, for benchmarks that need the single samples.
  LatencySender(Families families, std::uint64_t seed, bool keep_probes = false);

  /// Of plans that wait for their effective_at only the last one counts.
  void configure(LatencyPlan plan);
  /// Ignored before the first plan is in force, and where too many are under way.
  void burst(const LatencyBurst& burst);
  /// A map that is not known is ignored: the last good one is better.
  void set_clock(const ClockMap& clock);
  /// A throughput run that loads this site, when it begins, when it ends, and when more is known of it.
  void tell_load(const OwnLoad& load) { identity_.loads.tell(load); }

  /// This host's wall clock was set, as its kernel says: tell it before anything is fed in that may have been stamped
  /// behind it. Larger steps are noticed without.
  void clock_was_set();

  void tick(const Now& now, LatencyOutput& out);
  /// True where this turn closes an interval: everything that has arrived must have been fed in before.
  bool judges(MonoTime now) const;
  /// nullopt: nothing to do until something is fed in.
  std::optional<MonoTime> next_deadline(const Now& now) const;

  struct Packet {
    Endpoint from;
    std::span<const std::uint8_t> octets;
    WallTime received_at;  ///< t4
    bool kernel_stamp = true;
    std::uint8_t ttl = 0;                         ///< as it arrived here; 0: unknown
    std::optional<std::uint8_t> traffic_class{};  ///< as it arrived here
  };
  void on_packet(MonoTime now, const Packet& packet);
  void on_user_stamp(std::uint16_t ssid, std::uint32_t sequence, WallTime at);
  void on_kernel_stamp(std::uint16_t ssid, std::uint32_t sequence, SendStamp kind, WallTime at);
  void on_lost_here(std::uint16_t ssid, std::uint32_t sequence);
  void on_unreachable(const Endpoint& to, std::string_view reason);
  /// Packets that the probing socket had no room for since the last call.
  void on_socket_drops(std::uint64_t packets);

  const Counters& counters() const { return counters_; }
  std::size_t streams() const { return streams_.size(); }

 private:
  SharedNow shared(const Now& now) const;
  void watch_clock(const Now& now, LatencyOutput& out);
  void step_clock();
  void apply_plan(const SharedNow& now, LatencyOutput& out);
  void start_stream(const LatencyStreamPlan& plan, const SharedNow& now, LatencyOutput& out);
  std::optional<Endpoint> usable(const std::vector<Endpoint>& addresses) const;
  std::uint16_t new_ssid();
  void schedule(std::uint16_t ssid, MonoTime at);
  void reschedule_all(const SharedNow& now);
  LatencyStream* find(std::uint16_t ssid);
  LatencyStream* find_without_ssid(const Endpoint& from, const wire::ReflectorPacket& reply);

  Families families_;
  Random random_;
  bool keep_probes_;
  nanoseconds wake_slot_ = std::chrono::milliseconds(1);  ///< of the plan's streams together
  ClockMap clock_;
  std::optional<LatencyPlan> waiting_;
  std::optional<LatencyPlan> plan_;
  LatencyStream::Identity identity_;
  std::map<std::uint16_t, LatencyStream> streams_;  ///< by SSID
  std::set<std::uint16_t> bursts_;                  ///< those of streams_ that belong to no plan
  std::map<SiteId, std::uint16_t> by_site_;
  std::map<Endpoint, std::uint16_t> by_endpoint_;
  std::vector<std::pair<MonoTime, std::uint16_t>> wakes_;  ///< one for each stream; a heap, the earliest first
  bool clock_changed_ = false;
  bool clock_was_set_ = false;
  std::optional<Now> last_now_;
  std::vector<FarRun> far_runs_;
  Counters counters_;
};

}  // namespace sonde
