// Who is to be told of which incident, and when. Pure: incidents, the time and what became of deliveries in; deliveries
// out.
//
// Told is what a receiver does not know yet, compared by what matters to people: begun, over, another cause, severity,
// more links, another metric. So a receiver that was away hears the newest state of each incident once, nothing is
// queued, and what has been told survives a restart (save(), restore()). A delivery is repeated until the receiver
// takes it: it is told at least once, and with the same key each time.
//
// An incident that is held (coordinator/core/silences.h) is not told while it is open: what is new of it waits until it
// is held no longer. Whoever was told before that it began hears that it is over. Alertmanager, which takes what it
// does not hear of again for resolved, goes on hearing what it knows already.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coordinator/core/alerts.h"
#include "coordinator/core/incidents.h"
#include "coordinator/core/mesh.h"
#include "shared/base/event.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"

namespace sonde {

/// Which incidents a receiver is told of. Where both lists are empty: all of at least this severity.
struct NotifyRoute {
  AlertSeverity least = AlertSeverity::info;
  std::vector<SiteId> sites{};        ///< the incident involves one of them ...
  std::vector<std::string> groups{};  ///< ... or a site of one of these
  bool operator==(const NotifyRoute&) const = default;
};

enum class ReceiverKind : std::uint8_t { alertmanager, webhook, mail, command };
std::string_view name(ReceiverKind kind);

/// Only what its kind needs is set.
struct Receiver {
  ReceiverKind kind = ReceiverKind::webhook;
  std::string url{};                                   ///< http(s)://, or smtp(s)://HOST:PORT
  std::optional<std::filesystem::path> secret_file{};  ///< webhook: the key of the signature; mail: the password
  std::optional<std::filesystem::path> ca_file{};      ///< whom TLS trusts instead of the system's authorities
  std::string user{};                                  ///< mail; empty: it does not log in
  std::string from{};                                  ///< mail
  std::vector<std::string> to{};                       ///< mail
  std::vector<std::string> argv{};                     ///< command
  NotifyRoute route{};
  bool operator==(const Receiver&) const = default;

  /// Tells it from others in events and in what is kept: "webhook https://…", "command /usr/local/bin/page".
  std::string title() const;
  /// Without what may be a secret, such as an URL's path: "webhook chat.example.net", "command /usr/local/bin/page".
  std::string public_title() const;
};

struct NotifyPolicy {
  nanoseconds group_wait = std::chrono::seconds(10);  ///< news waits so long for more of it; not for Alertmanager
  nanoseconds repeat = std::chrono::hours(4);         ///< an open incident is told again after this
  std::vector<Receiver> receivers;
  bool operator==(const NotifyPolicy&) const = default;
};

/// Alertmanager's view of one incident.
using Labels = std::map<std::string, std::string>;
Labels labels_of(const Incident& incident, const std::string& mesh);

struct Notice {
  Incident incident;
  Labels labels;
  std::optional<Labels> replaces;  ///< what it was called before, where that has changed
  bool again = false;              ///< nothing is new; it is still open
  std::uint64_t news = 0;          ///< news_of() what the receiver knows once it has taken this
};

struct Delivery {
  std::uint64_t number = 0;  ///< for on_done
  Receiver receiver;
  std::string key;  ///< the same for each try of the same news
  std::string mesh;
  std::vector<Notice> notices;
  SharedTime at;
};

class Notify {
 public:
  /// Alertmanager forgets what it does not hear of again (its resolve_timeout is 5 min).
  static constexpr nanoseconds refresh = std::chrono::minutes(1);
  static constexpr nanoseconds alertmanager_keeps = std::chrono::minutes(4);
  static constexpr nanoseconds first_back_off = std::chrono::seconds(5);
  static constexpr nanoseconds most_back_off = std::chrono::minutes(5);
  /// Incidents in one delivery; the rest comes with the next.
  static constexpr std::size_t most_notices = 100;

  struct Counters {
    std::uint64_t delivered = 0;
    std::uint64_t failed = 0;
    std::uint32_t failures_in_a_row = 0;
  };

  void set_policy(const NotifyPolicy& policy, const Mesh& mesh);
  /// What save() gave; a text that is not understood is as if nothing was told.
  void restore(std::string_view text);
  std::string save() const;
  /// True once after anything changed that save() holds.
  bool take_dirty();

  /// What is due now. `held` says of an incident that nobody wants to hear of it now: it is silenced.
  template <typename Held>
  std::vector<Delivery> tick(SharedTime now, const std::vector<const Incident*>& incidents, const Held& held) {
    std::vector<Candidate> candidates;
    for (const Incident* incident : incidents) candidates.push_back({incident, held(*incident)});
    return due(now, candidates);
  }
  /// `trouble` is empty where the receiver took it. Of an unknown number nothing is changed.
  void on_done(std::uint64_t number, const std::string& trouble, SharedTime now, Events& events);

  const std::map<std::string, Counters>& counters() const { return counters_; }
  /// By public_title(); receivers that share one are added up.
  std::map<std::string, Counters> public_counters() const;

 private:
  struct Candidate {
    const Incident* incident = nullptr;
    bool held = false;
  };
  /// What a receiver knows of an incident.
  struct Told {
    std::uint64_t news = 0;  ///< news_of() what was told last; 0: nothing was
    bool open = false;       ///< as it was told last
    bool owed = false;       ///< it was to be told, and could not be yet
    SharedTime at;
    Labels labels;
  };
  struct State {
    std::map<std::string, Told> told;  ///< by the incident's id
    std::optional<SharedTime> news_since;
    std::uint32_t failures = 0;  ///< in a row
    SharedTime not_before;
    std::optional<Delivery> under_way;
  };

  std::vector<Delivery> due(SharedTime now, const std::vector<Candidate>& candidates);
  std::optional<Delivery> due_for(const Receiver& receiver, State& state, SharedTime now,
                                  const std::vector<Candidate>& candidates);
  std::optional<Notice> notice_for(const Receiver& receiver, const State& state, SharedTime now,
                                   const Candidate& candidate) const;
  bool wants(const Receiver& receiver, const Incident& incident) const;
  void forget(State& state, const std::vector<Candidate>& candidates);

  NotifyPolicy policy_;
  Mesh mesh_;
  std::map<std::string, State> states_;  ///< by the receiver's title
  std::map<std::string, Counters> counters_;
  std::uint64_t next_number_ = 1;
  bool dirty_ = false;
};

/// A number that changes with what matters to people; never 0.
std::uint64_t news_of(const Incident& incident);

}  // namespace sonde
