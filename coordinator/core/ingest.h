// What arrives from the agents becomes what is stored: each result once, only from the site that measured it, nothing
// acknowledged before it is durable. Pure.
//
// The way of a batch: accept() -> the store's queue -> on_stored() -> Acknowledge. Where the queue is full or the store
// fails, on_refused() takes the acceptance back; the session then asks the agent for a new Hello (WhoAreYou), and
// on_hello() lets the agent send again from what it has not had acknowledged.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "coordinator/core/mesh.h"
#include "shared/base/event.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/measure/result.h"
#include "shared/wire/messages.h"

namespace sonde {

/// One agent's results on their way into the store. `up_to` >= every seq in `results`: what was dropped on purpose is
/// acknowledged with the rest, or the agent would send it for ever. `after` keeps that honest: the store refuses the
/// batch where the same spool is not stored up to there (because an earlier batch failed).
struct StoreBatch {
  SiteId site;
  std::uint64_t spool = 0;
  std::uint64_t after = 0;
  std::uint64_t up_to = 0;
  std::vector<Result> results;  ///< may be empty
};

/// How far one spool of one site is stored.
struct SpoolPosition {
  SiteId site;
  std::uint64_t spool = 0;
  std::uint64_t last_seq = 0;
  bool operator==(const SpoolPosition&) const = default;
};

/// At most one of the two is set; neither: what came is already on its way and will be acknowledged with it.
struct Intake {
  std::optional<StoreBatch> store;
  std::optional<wire::Acknowledge> acknowledge;  ///< everything that came was stored earlier
};

class Ingest {
 public:
  /// A result that ends later than this after the present, or earlier than this before it, is refused.
  static constexpr nanoseconds max_ahead = std::chrono::hours(1);
  static constexpr nanoseconds max_age = std::chrono::hours(24 * 366);
  /// Spools remembered for each site; a site that makes more of them loses the memory of the one it used least recently
  /// (the store still refuses its duplicates).
  static constexpr std::size_t spools_per_site = 16;

  struct Counters {
    std::uint64_t accepted = 0;
    std::uint64_t duplicates = 0;
    std::uint64_t missing = 0;          ///< seqs that were jumped over
    std::uint64_t forged = 0;           ///< id.from is not the session's site
    std::uint64_t unknown_to = 0;       ///< the to-site is no member (any more)
    std::uint64_t implausible = 0;      ///< impossible or far-off times, seq 0, another spool within the batch
    std::uint64_t out_of_turn = 0;      ///< came between on_refused and on_hello
    std::uint64_t refused_batches = 0;  ///< by the store
  };

  void set_mesh(const Mesh& mesh);
  /// At start, from the store.
  void restore(const std::vector<SpoolPosition>& positions);

  /// `last_seq` is what the agent's spool has given out (wire::Hello).
  void on_hello(const SiteId& site, std::uint64_t spool, std::uint64_t last_seq, Events& out);
  /// `site` is the session's (its CURVE key's). Results may be in any order within the batch.
  Intake accept(const SiteId& site, wire::ResultBatch batch, SharedTime now, Events& out);
  /// The batch is durable. The value is to be sent to the site's agent.
  wire::Acknowledge on_stored(const SiteId& site, std::uint64_t spool, std::uint64_t up_to);
  /// The batch was not stored, by whatever reason: nothing more of this site is accepted until on_hello.
  void on_refused(const SiteId& site, Events& out);

  /// Highest stored seq of the site over all its spools (wire::Welcome::last_seq).
  std::uint64_t stored_seq(const SiteId& site) const;
  const Counters& counters() const { return counters_; }

 private:
  struct Spool {
    std::uint64_t stored = 0;
    std::uint64_t accepted = 0;  ///< >= stored; the difference is on its way
    std::uint64_t used = 0;      ///< for spools_per_site: a count that grows with every use
  };
  struct Site {
    std::map<std::uint64_t, Spool> spools;
    std::uint64_t highest_stored = 0;
    std::uint64_t highest_accepted = 0;
    bool owes_hello = false;
  };

  Spool& spool_of(Site& site, std::uint64_t spool);
  void note_jump(const SiteId& id, Site& site, Spool& spool, const Result& first, Events& out);
  bool is_acceptable(const SiteId& site, std::uint64_t spool, const Result& result, SharedTime now, Events& out);

  std::unordered_set<SiteId> members_;
  std::unordered_map<SiteId, Site> sites_;
  Counters counters_;
  std::uint64_t uses_ = 0;
};

}  // namespace sonde
