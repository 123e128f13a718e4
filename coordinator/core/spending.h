// What each site's probes have really put on the wire, beside its `bytes_per_month`. Pure: results in, what is over
// out.
//
// The planner keeps to the budgets with upper bounds; what can still exceed one are runs on demand, a budget that was
// made smaller, a mesh that was not planned like this before.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "coordinator/core/alerts.h"
#include "coordinator/core/mesh.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/measure/result.h"

namespace sonde {

/// Octets of IP packets that one result's probes took at either of its two sites, with replies, headers and
/// acknowledgements; 0 for what was not tried. Throughput by the data that came. `packet`: of a latency probe to the
/// site (latency_packet_octets).
double octets_spent(const Result& result, double packet);

/// A site whose rule `budget` is raised.
struct Overdraft {
  SiteId site;
  double spent = 0;   ///< octets of the last 31 days
  double budget = 0;  ///< octets
  SharedTime since;   ///< when it was seen first
};

class Spending {
 public:
  /// The days that count, the present one among them: a month of 31, as the planner's.
  static constexpr std::int64_t days = 31;

  void set_mesh(const Mesh& mesh, const AlertPolicy& policy);
  /// Each result once. Those of more than 31 days ago, of the future or of strangers are passed over.
  void add(const Result& result, SharedTime now);
  /// Octets sent and received by all probes of the site on this and the 30 UTC days before.
  double spent(const SiteId& site, SharedTime now) const;
  std::optional<double> budget(const SiteId& id) const;
  /// Raises and clears. Idempotent.
  void tick(SharedTime now);
  /// Sites whose rule is raised, in the mesh's order.
  std::vector<Overdraft> overdrafts(SharedTime now) const;

  /// An item a line, for the store.
  std::string save() const;
  /// Lines that cannot be read are passed over: they are counted anew.
  void restore(std::string_view text);

 private:
  struct Account {
    std::map<std::int64_t, double> days;  ///< octets by day since 1970 UTC
    std::optional<SharedTime> reached;    ///< since when it is at the raise level
    std::optional<SharedTime> raised;     ///< since then, too, once it has held for `for`
  };

  std::vector<SiteSpec> sites_;
  std::vector<double> packets_;                     ///< latency_packet_octets of each
  std::unordered_map<SiteId, std::size_t> places_;  ///< in sites_
  AlertRule rule_;
  bool on_ = true;
  std::map<SiteId, Account> accounts_;
};

}  // namespace sonde
