// What the configuration's `links:` say of one link. Pure.
#pragma once

#include "coordinator/core/mesh.h"
#include "shared/schedule/checker.h"

namespace sonde {

struct LinkTerms {
  bool measured = true;              ///< false: no probe at all
  bool throughput = true;            ///< false: no throughput runs
  std::optional<nanoseconds> every;  ///< of throughput runs; nullopt: as the others

  bool operator==(const LinkTerms&) const = default;
};

/// Whether the rule's selection (from, group) takes links that begin here, and (to, group) those that end here; it
/// takes a link where both hold.
bool takes_from(const LinkRule& rule, const SiteSpec& from);
bool takes_to(const LinkRule& rule, const SiteSpec& to);
/// Whether the rule's selection (from, to, group) takes this link.
bool matches(const LinkRule& rule, const SiteSpec& from, const SiteSpec& to);

/// The first rule that matches holds; without one the defaults do.
LinkTerms terms_of(const Mesh& mesh, const SiteSpec& from, const SiteSpec& to);

/// Both have agents, and at least one of them can be reached: who cannot be, opens the connections.
bool can_transfer(const SiteSpec& from, const SiteSpec& to);
/// Whether the mesh measures this probe on this link: who has an agent, who can be reached, and the rules.
bool has_latency(const Mesh& mesh, const SiteSpec& from, const SiteSpec& to);
bool has_throughput(const Mesh& mesh, const SiteSpec& from, const SiteSpec& to);

/// The links that the rules take out, as the checker wants them.
Exceptions exceptions_of(const Mesh& mesh);

}  // namespace sonde
