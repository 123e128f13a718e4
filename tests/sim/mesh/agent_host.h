// One host with an agent: its clocks, its disk, and the production objects that make up the agent.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/prober.h"
#include "agent/core/session.h"
#include "agent/core/transfer_desk.h"
#include "shared/base/ids.h"
#include "shared/base/random.h"
#include "shared/base/time.h"
#include "shared/measure/result.h"

namespace sonde::sim {

/// True time, from the beginning of the simulation; no part of the mesh can read it.
using True = nanoseconds;

/// A host's two clocks: both drift, the wall clock can be set, the monotonic one stands still while the host sleeps.
class HostClocks {
 public:
  HostClocks() = default;
  HostClocks(double drift, nanoseconds wall_offset) : rate_(1 + drift), offset_(wall_offset) {}

  Now read(True t) const;
  /// True time until `wait` has passed on the monotonic clock.
  True after(nanoseconds wait) const {
    return True(static_cast<std::int64_t>(static_cast<double>(wait.count()) / rate_));
  }
  void step(nanoseconds by) { offset_ += by; }
  void sleep(True t) { asleep_since_ = t; }
  void wake(True t);

 private:
  double rate_ = 1;
  nanoseconds offset_{0};  ///< of the wall clock
  nanoseconds slept_{0};
  std::optional<True> asleep_since_;
};

/// What survives the agent's death: as SpoolFile keeps it, without the file.
struct AgentDisk {
  std::uint64_t spool = 0;
  std::uint64_t last_seq = 0;
  std::deque<Result> results;
  std::optional<Timetable> timetable;

  SpoolState state() const { return {spool, last_seq, results.empty() ? last_seq + 1 : results.front().id.seq}; }
};

/// What the agent wants from the outside world after a turn.
struct AgentEffects {
  std::vector<wire::Message> to_coordinator;
  std::vector<TransferMessage> to_peers;
  std::vector<TransferCommand> commands;
  std::vector<ThroughputOrder> begun;  ///< for who checks
};

/// What agent/app.cpp does with sockets, here with values: the glue and nothing else.
class AgentHost {
 public:
  AgentHost(SiteId site, AgentDisk& disk, Now now, std::uint64_t seed, bool without_books);

  void on_control(Now now, const wire::Message& message, AgentEffects& out);
  void on_peer(Now now, const SiteId& from, const wire::Message& message, AgentEffects& out);
  void on_report(Now now, const TransferReport& report, AgentEffects& out);
  void tick(Now now, AgentEffects& out);
  /// How long until the next tick, at most, on the monotonic clock.
  nanoseconds wait(Now now) const;

  bool measuring() const { return measuring_; }
  Generation newest() const { return prober_.timetable().generation; }

 private:
  TransferNow transfer_now(Now now) const { return {now.mono, clock_.shared(now.wall), now.wall}; }
  void carry_out(Now now, Session::Out& in, AgentEffects& out);
  void carry_out(TransferOut& in, AgentEffects& out);
  void take(const Timetable& timetable);
  void store(Result result);

  SiteId site_;
  AgentDisk& disk_;
  Session session_;
  Prober prober_;
  TransferDesk desk_;
  ClockMap clock_;
  Random random_;
  MonoTime started_at_;
  bool measuring_ = true;
  bool without_books_;
};

}  // namespace sonde::sim
