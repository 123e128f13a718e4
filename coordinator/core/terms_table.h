// What the configuration's `links:` say of each pair of a cast, for work on all of a million pairs. Pure; private to
// the planner.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "coordinator/core/cast.h"
#include "coordinator/core/link_rules.h"

namespace sonde {

class TermsTable {
 public:
  /// Refers to the mesh.
  TermsTable(const Mesh& mesh, const Cast& cast);

  /// Whether the mesh measures throughput on the link: agents, who can be reached, and the rules.
  bool has_throughput(std::uint32_t from, std::uint32_t to) const {
    const bool can_transfer =
        has_agent_[from] != 0 && has_agent_[to] != 0 && (inbound_[from] != 0 || inbound_[to] != 0);
    if (from == to || !can_transfer) return false;
    const LinkRule* rule = rule_for(from, to);
    return rule == nullptr || (rule->measured && rule->throughput);
  }
  /// Whether the mesh measures latency, and with it connect, on the link.
  bool has_latency(std::uint32_t from, std::uint32_t to) const {
    if (from == to || has_agent_[from] == 0 || (inbound_[to] == 0 && has_agent_[to] != 0)) return false;
    const LinkRule* rule = rule_for(from, to);
    return rule == nullptr || rule->measured;
  }
  /// The interval that is given for the link or for all; nullopt: auto.
  std::optional<nanoseconds> every(std::uint32_t from, std::uint32_t to) const {
    const LinkRule* rule = rule_for(from, to);
    return rule != nullptr && rule->every ? rule->every : for_all_;
  }

 private:
  /// The places in the cast that a rule takes.
  struct Row {
    const LinkRule* rule;
    std::vector<std::uint8_t> from;
    std::vector<std::uint8_t> to;
  };
  const LinkRule* rule_for(std::uint32_t from, std::uint32_t to) const {
    for (const Row& row : rows_)
      if (row.from[from] != 0 && row.to[to] != 0) return row.rule;
    return nullptr;
  }

  std::vector<std::uint8_t> has_agent_;  ///< of each site of the cast
  std::vector<std::uint8_t> inbound_;
  std::optional<nanoseconds> for_all_;
  std::vector<Row> rows_;
};

}  // namespace sonde
