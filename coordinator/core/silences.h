// Of which incidents nobody wants to hear now: silences that somebody has set, maintenance windows of the
// configuration, and acknowledged incidents. Pure: what was asked for and the time in; what is held out.
//
// An incident that is held exists and is shown as any other; only its notices wait (coordinator/core/notify.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coordinator/core/alerts.h"
#include "coordinator/core/causes.h"
#include "coordinator/core/incidents.h"
#include "coordinator/core/mesh.h"
#include "shared/base/error.h"
#include "shared/base/event.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"

namespace sonde {

/// Which incidents are meant. Each list that is not empty has to fit; of a list any item does. Of places the whole
/// incident has to lie there: every link on which its fault lies begins or ends at one of the sites.
struct IncidentMatch {
  std::vector<std::string> meshes;  ///< the mesh's own name: all of its incidents, which nothing else says
  std::vector<SiteId> sites;
  std::vector<SiteId> from;
  std::vector<SiteId> to;
  std::vector<std::string> groups;   ///< as if all of their sites were named
  std::vector<std::string> uplinks;  ///< likewise
  std::vector<CauseKind> causes;
  std::vector<Metric> metrics;  ///< every metric of the incident is named
  std::vector<AlertSeverity> severities;
  bool empty() const { return *this == IncidentMatch{}; }
  bool operator==(const IncidentMatch&) const = default;
};

/// The keys of a match, as they stand in the API, the configuration and on the command line.
inline constexpr std::string_view match_keys[] = {"mesh",   "site",  "from",   "to",      "group",
                                                  "uplink", "cause", "metric", "severity"};
/// Adds one item; the error says what there is.
Expected<void> add_match(IncidentMatch& match, std::string_view key, std::string_view value);
/// The items as pairs of key and value, in the order of match_keys.
std::vector<std::pair<std::string, std::string>> words_of(const IncidentMatch& match);
/// What of it the mesh does not have.
Expected<void> check_match(const IncidentMatch& match, const Mesh& mesh);
bool matches(const IncidentMatch& match, const Incident& incident, const Mesh& mesh);

enum class SilenceState : std::uint8_t { pending, active, expired };
std::string_view name(SilenceState state);

struct Silence {
  std::string id;  ///< never given twice
  IncidentMatch match;
  std::string author;
  std::string token;  ///< the name of the token that set it
  std::string reason;
  SharedTime created_at;
  SharedTime starts_at;
  SharedTime ends_at;    ///< above starts_at, or equal where it was ended before it began
  std::string ended_by;  ///< the name of the token that ended it early; else empty

  SilenceState state(SharedTime now) const;
  bool operator==(const Silence&) const = default;
};

/// A stretch of time on some days of every week, UTC.
struct MaintenanceWindow {
  std::string name;
  IncidentMatch match;
  std::string author;
  std::string reason;
  std::uint8_t days = 0x7F;                     ///< on which it begins; bit 0: Monday
  nanoseconds from{0};                          ///< after midnight, below 24 h
  nanoseconds length = std::chrono::hours(24);  ///< above 0, at most 24 h
  std::optional<SharedTime> until;              ///< it does not recur from then on
  bool operator==(const MaintenanceWindow&) const = default;
};

struct Stretch {
  SharedTime starts_at;
  SharedTime ends_at;
  bool contains(SharedTime t) const { return starts_at <= t && t < ends_at; }
};
/// The one that is now, else the next; nullopt where none comes.
std::optional<Stretch> occurrence(const MaintenanceWindow& window, SharedTime now);

/// Somebody takes care of an incident.
struct Acknowledgement {
  std::string author{};
  std::string token{};
  std::string reason{};  ///< may be empty
  SharedTime at{};
  AlertSeverity severity = AlertSeverity::info;  ///< as it was then: should it rise, notices go out again
  bool operator==(const Acknowledgement&) const = default;
};

class Silences {
 public:
  /// That have not ended.
  static constexpr std::size_t most = 1000;
  /// Those that have ended are shown so long, and at most so many of them.
  static constexpr nanoseconds kept = std::chrono::hours(120);
  static constexpr std::size_t most_ended = 1000;
  static constexpr nanoseconds longest = std::chrono::hours(24 * 366);
  static constexpr std::size_t longest_author = 100;
  static constexpr std::size_t longest_reason = 1000;

  struct Wanted {
    IncidentMatch match;
    std::string author;  ///< empty: the token's name
    std::string token;
    std::string reason;
    std::optional<SharedTime> starts_at;  ///< nullopt: now
    SharedTime ends_at;
  };
  /// What holds an incident's notices.
  struct Hold {
    std::vector<const Silence*> silences;
    std::vector<std::pair<const MaintenanceWindow*, SharedTime>> windows;  ///< with the end of this occurrence
    const Acknowledgement* acknowledged = nullptr;                         ///< also where it holds no longer
    bool held = false;
  };

  void set_policy(std::vector<MaintenanceWindow> windows, const Mesh& mesh);
  /// What save() gave; a line that is not understood is left out.
  void restore(std::string_view text);
  std::string save() const;
  /// True once after anything changed that save() holds.
  bool take_dirty();

  /// The error says what to do about it.
  Expected<Silence> add(SharedTime now, const Wanted& wanted);
  /// Ends it now; one that has ended stays as it is. Null: there is none.
  const Silence* end(std::string_view id, const std::string& token, SharedTime now);
  const Silence* find(std::string_view id) const;
  /// Replaces an earlier one of the same incident.
  Expected<void> acknowledge(const Incident& incident, Acknowledgement by);
  /// False where nobody has acknowledged it.
  bool withdraw(std::string_view incident, const std::string& token);

  /// Forgets what is long over, and of which incidents nothing is known any more.
  void tick(SharedTime now, const Incidents& incidents);

  Hold hold_of(const Incident& incident, SharedTime now) const;
  bool held(const Incident& incident, SharedTime now) const { return hold_of(incident, now).held; }
  const std::deque<Silence>& list() const { return silences_; }  ///< the oldest first
  const std::vector<MaintenanceWindow>& windows() const { return windows_; }
  std::size_t count(SilenceState state, SharedTime now) const;
  /// Grows with every change of what is held.
  std::uint64_t revision() const { return revision_; }
  Events take_events() { return std::exchange(events_, {}); }

 private:
  void changed();
  std::string fresh_id(SharedTime now) const;

  Mesh mesh_;
  std::vector<MaintenanceWindow> windows_;
  std::deque<Silence> silences_;
  std::map<std::string, Acknowledgement, std::less<>> acknowledged_;  ///< by the incident's id
  std::string active_;                                                ///< what was in force at the last tick
  Events events_;
  std::uint64_t revision_ = 0;
  bool dirty_ = false;
};

}  // namespace sonde
