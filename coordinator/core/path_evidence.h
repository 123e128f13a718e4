// What a look at a way means, beside the last one while all was well: sentences for a person. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/core/patterns.h"
#include "shared/base/ids.h"
#include "shared/measure/path_trace.h"

namespace sonde {

/// Taken at the onset of an incident, of one of the links that it explains or of the way back.
struct PathEvidence {
  Link link;
  PathTrace now;
  std::optional<PathTrace> before;  ///< the last while all was well; nullopt: there was none
  bool operator==(const PathEvidence&) const = default;
};

struct PathFinding {
  std::string_view code;  ///< stable; docs/alerts.md lists them
  std::string text;
};

/// The first hop (from 1) at which somebody else answers than before; nullopt where nobody does, or where both cannot
/// be compared because they are of other flows.
std::optional<std::size_t> changed_hop(const PathTrace& before, const PathTrace& now);
/// From which hop on (from 1) answers take longer than before, on a way that is otherwise the same, and by how much.
struct SlowHop {
  std::size_t hop = 0;
  nanoseconds by{0};
};
std::optional<SlowHop> slow_hop(const PathTrace& before, const PathTrace& now);

/// The most telling first; never empty.
std::vector<PathFinding> findings_of(const PathEvidence& evidence);
/// "athens -> berlin: " and the findings.
std::string text_of(const PathEvidence& evidence);
/// "1 192.0.2.201 3.1 ms, 2 *, 3 192.0.2.20 40.2 ms"
std::string hops_text(const PathTrace& trace);

/// What it adds to the patterns of its link: whether the way is another one than before, and from which size on packets
/// vanish.
PathFacts facts_of(const PathEvidence& evidence);

}  // namespace sonde
