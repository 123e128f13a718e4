#include "coordinator/core/terms_table.h"

namespace sonde {

TermsTable::TermsTable(const Mesh& mesh, const Cast& cast) {
  for (const SiteSpec* site : cast.sites) {
    has_agent_.push_back(site->has_agent ? 1 : 0);
    inbound_.push_back(site->inbound ? 1 : 0);
  }
  if (mesh.policy.throughput) for_all_ = mesh.policy.throughput->every;
  for (const LinkRule& rule : mesh.links) {
    Row& row = rows_.emplace_back(Row{&rule, {}, {}});
    for (const SiteSpec* site : cast.sites) {
      row.from.push_back(takes_from(rule, *site) ? 1 : 0);
      row.to.push_back(takes_to(rule, *site) ? 1 : 0);
    }
  }
}

}  // namespace sonde
