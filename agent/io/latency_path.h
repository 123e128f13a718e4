// The packet path of the latency probe: a thread of its own with two UDP sockets, around the pure Sender and Reflector.
//
// The reflector's socket is bound to the agent's listen address and port. Probes leave from a second socket with the
// same address and a port that the kernel chooses, because STAMP's requests and replies cannot be told apart by their
// octets. All calls are for one thread, the agent's main loop; what crosses over are values.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "agent/core/latency_plan.h"
#include "agent/core/latency_sender.h"
#include "agent/core/reflector.h"
#include "shared/base/endpoint.h"
#include "shared/base/event.h"
#include "shared/base/time.h"
#include "shared/io/mailbox.h"
#include "shared/measure/result.h"
#include "shared/measure/site_load.h"
#include "shared/wire/messages.h"

namespace sonde::io {

/// Of the last 30 to 60 seconds.
struct Spread {
  nanoseconds p50{0};
  nanoseconds p99{0};
  nanoseconds max{0};
};

/// How well the measuring itself goes; counters count since the start.
struct LatencyStats {
  Spread lateness;                    ///< of sends, behind their planned instant
  Spread hold;                        ///< from a request's arrival to its reply, in our reflector
  std::uint64_t socket_drops = 0;     ///< packets that one of the sockets had no room for
  std::uint64_t send_stamps = 0;      ///< stamps from the driver; fewer than `sender.sent` where some were lost
  std::uint64_t results_dropped = 0;  ///< nobody fetched them in time
  LatencySender::Counters sender;
  Reflector::Counters reflector;
  bool real_time = false;  ///< the thread got real-time priority
};

class LatencyPath {
 public:
  static constexpr std::size_t answers_limit = 256;
  static constexpr std::size_t commands_limit = 256;
  static constexpr std::size_t results_limit = 20'000;
  static constexpr std::size_t events_limit = 1000;
  static constexpr std::size_t far_runs_limit = 10'000;

  static constexpr std::size_t kept_limit = 10'000;

  /// Whether the single samples are kept for take_probes(): a benchmark needs them, an agent does not and pays nothing.
  enum class Probes : std::uint8_t { forget, keep };

  /// Opens the sockets and starts the thread. Throws std::system_error where the address cannot be bound; port 0 takes
  /// any free one. The seed decides the send instants and session ids.
  LatencyPath(const Endpoint& listen, std::uint64_t seed, Probes probes = Probes::forget);
  /// Stops and joins the thread; intervals that are open are dropped.
  ~LatencyPath();
  LatencyPath(const LatencyPath&) = delete;
  LatencyPath& operator=(const LatencyPath&) = delete;

  /// Members are admitted at once, streams change at plan.effective_at.
  void configure(LatencyPlan plan);
  /// One stream beside the plan's, for one result.
  void burst(LatencyBurst burst);
  /// How this host's wall clock maps to shared time, whenever the estimate changes.
  void set_clock(const ClockMap& clock);

  /// This site's last throughput run on its own clock, whenever it begins or ends: replies tell it to those who ask.
  void set_load(const std::optional<SiteLoad>& load);
  /// A run that loads this site, for those of our own probes that meet it.
  void tell_load(const OwnLoad& load);

  /// What the reflector has seen of others' probes: each call brings one entry of answers(), with what came before it.
  void ask(std::vector<ArrivalQuery> queries);
  const std::shared_ptr<Mailbox<wire::ArrivalAnswers>>& answers() const;

  /// Readable while results wait.
  int results_fd() const;
  std::vector<Result> take_results();
  /// What replies have said of far sites' throughput runs since the last call.
  std::vector<FarRun> take_far_runs();
  /// With Probes::keep, what the results were made of; those of kept_limit results wait at most.
  std::vector<SentProbe> take_probes();
  Events take_events();
  /// At most a second old.
  LatencyStats stats() const;
  /// Where the reflector listens.
  Endpoint local() const;

 private:
  struct Worker;
  std::unique_ptr<Worker> worker_;
};

}  // namespace sonde::io
