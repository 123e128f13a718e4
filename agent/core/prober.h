// From the timetable to orders: which connect and throughput runs begin now, and which streams of latency probes there
// are. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/connect_probe.h"
#include "agent/core/latency_plan.h"
#include "agent/core/reflector.h"
#include "agent/core/transfer_types.h"
#include "shared/base/endpoint.h"
#include "shared/base/event.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/measure/result.h"
#include "shared/schedule/slot_clock.h"
#include "shared/schedule/timetable.h"
#include "shared/wire/messages.h"

namespace sonde {

/// DNS names of members to what they resolved to last.
using AddressBook = std::map<std::string, std::vector<IpAddress>>;

/// What this site shares with each other one, for authenticated probes.
using PairKeys = std::map<SiteId, wire::StampKey>;

/// How this agent's latency probes leave, as its own configuration has it; where it does not say, the mesh's policy
/// holds.
struct LatencyOptions {
  std::optional<std::uint8_t> dscp{};   ///< 0 to 63: the class (RFC 2474) of probes and their replies
  std::optional<bool> authenticated{};  ///< where there is a key (RFC 8762, 4.2.2); else open probes
  bool timestamp_information = false;   ///< agents are asked how they come by their stamps (RFC 8972, 4.3)
  bool direct_measurement = false;      ///< and for their counters of the session (RFC 8972, 4.5)
};

/// All addresses of a member: literals as they are, names by the book; in the member's order of preference.
std::vector<IpAddress> addresses_of(const Member& member, const AddressBook& book);

/// Names among the members' addresses, each once.
std::vector<std::string> names_to_resolve(const std::vector<Member>& members);

class Prober {
 public:
  struct Out {
    std::vector<ConnectOrder> connects;
    std::vector<ThroughputOrder> transfers;
    std::vector<LatencyBurst> bursts;         ///< only of runs on demand
    std::vector<Result> skipped;              ///< slots that went by without a run
    std::vector<nanoseconds> start_lateness;  ///< of the runs that begin now
  };

  Prober(SiteId self, std::string boot_id) : self_(std::move(self)), boot_id_(std::move(boot_id)) {}

  /// False, and nothing changes, for a generation that is not newer.
  bool set_timetable(const Timetable& own);
  void set_peer_facts(const wire::PeerFacts& facts);

  /// `clock` must be known. After autonomy has ended the caller stops asking.
  void tick(Now now, const ClockMap& clock, Out& out);
  /// A run on demand, as in a slot of the timetable; skipped where this agent cannot do it.
  void begin(Now now, const ClockMap& clock, const AddressBook& book, const wire::RunOrder& order, Out& out) const;
  /// When to tick again, in shared time.
  SharedTime next() const { return slots_.next(); }

  /// The runs of other sites over this site's uplink that are under way by the timetable: each from its slot's start to
  /// its slot's end.
  struct Neighbour {
    Link link;
    SharedTime start;
    SharedTime end;
    bool operator==(const Neighbour&) const = default;
  };
  std::vector<Neighbour> neighbours(SharedTime now) const;

  /// What to ask the reflector for the coordinator; a site without a known address has none.
  std::vector<ArrivalQuery> queries_for(const std::vector<wire::ArrivalQuestion>& questions, const AddressBook& book,
                                        const ClockMap& clock) const;

  const Timetable& timetable() const { return timetable_; }
  /// Of the timetable that is carried out now; 0 before the first.
  Generation in_force() const { return slots_.generation(); }
  /// Of this agent's probes.
  std::uint8_t dscp(const LatencyOptions& options) const;
  /// Members whose address is not known yet are left out; without streams where the probe is off.
  /// `keys` are for authenticated probes, ours and those of others; a site without one gets open ones.
  /// Sites whose probes should be authenticated, and for which there is no key.
  std::vector<SiteId> without_key(const LatencyOptions& options, const PairKeys& keys) const;
  LatencyPlan latency_plan(const AddressBook& book, std::optional<nanoseconds> own_clock_error,
                           const LatencyOptions& options = {}, const PairKeys& keys = {}) const;

 private:
  void begin_connect(const SlotClock::Due& due, const Member& to, Out& out) const;
  void begin_transfer(Now now, const ClockMap& clock, const SlotClock::Due& due, const Member& to, Out& out) const;
  nanoseconds least_delay_to(const Member& to) const;
  void begin_burst(const wire::RunOrder& order, const Member& to, const AddressBook& book, Out& out) const;
  LatencyStreamPlan stream_to(const Member& to, const AddressBook& book) const;
  Result skipped(const SlotClock::Due& due, SharedTime now) const;
  void list_others();

  SiteId self_;
  std::string boot_id_;
  SlotClock slots_;
  Timetable timetable_;                ///< the newest, also before it takes effect
  std::vector<std::uint32_t> others_;  ///< its slots in which this site is not, in order of start; of those that
                                       ///< repeat within throughput_every the next list has
  std::vector<std::uint32_t> others_often_;
  nanoseconds longest_of_others_{0};
  std::map<SiteId, wire::PeerFact> facts_;
};

}  // namespace sonde
