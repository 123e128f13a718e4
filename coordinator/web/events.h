// One client's view of the event stream (docs/api.md): what to tell it, decided without a socket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "coordinator/core/matrix.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"

namespace sonde::web {

struct Sources;

/// Fed about once a second, and whenever links have changed; times are of the coordinator's monotonic clock.
class EventStream {
 public:
  /// `query.at` is ignored: the stream is always of the present.
  explicit EventStream(const CellQuery& query) : query_(query) {}

  /// The text to send now in the format of server-sent events, empty for nothing. The first call gives the sites.
  /// `changed`: links with new results since the last call.
  std::string update(const Sources& sources, std::span<const Link> changed);

 private:
  void say_probes(const Sources& sources, std::string& out);
  void say_incidents(const Sources& sources, std::string& out);
  void say_sites(const Sources& sources, std::string& out);
  void say_cells(const Sources& sources, std::span<const Link> changed, std::string& out);
  /// Links whose state is another one than the client was told, through the passage of time alone.
  void add_aged(const Sources& sources, std::set<std::size_t>& places);
  void follow_mesh(const Mesh& mesh);

  CellQuery query_;
  bool begun_ = false;
  std::string agents_;  ///< a digest of what the last `sites` event said, without what changes all the time
  MonoTime sites_at_;
  MonoTime swept_at_;
  MonoTime spoke_at_;
  std::vector<SiteId> sites_;  ///< of the mesh that states_ is about
  /// As the client was told, by the places of both sites; nullopt: not yet looked at.
  std::vector<std::optional<CellState>> states_;
  std::uint64_t incidents_seen_ = 0;  ///< of what was told last: Incidents::revision() and Silences::revision()
  std::uint64_t probes_seen_ = 0;     ///< Demand::revision() of what was told last
};

}  // namespace sonde::web
