#include "coordinator/web/path_json.h"

#include <nlohmann/json.hpp>

#include <array>
#include <string>
#include <utility>

namespace sonde::web {
namespace {

constexpr std::array<const char*, hop_kind_count> hop_kinds{"silent", "router", "target", "refused", "unreachable"};

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

}  // namespace

Json trace_json(const PathTrace& trace) {
  Json hops = Json::array();
  for (const Hop& hop : trace.hops)
    hops.push_back(Json{{"kind", hop_kinds.at(static_cast<std::size_t>(hop.kind))},
                        {"address", text_or_null(hop.address)},
                        {"rtt_s", hop.rtt ? seconds(*hop.rtt) : Json()}});
  Json counters = Json::object();
  for (const InterfaceCounter& counter : trace.counters)
    counters[counter.name] = Json{{"total", counter.total}, {"change", counter.change}};
  return Json{{"began_at", time(trace.began_at)},
              {"took_s", seconds(trace.took)},
              {"source", text_or_null(trace.source)},
              {"target", text_or_null(trace.target)},
              {"reached", trace.reached},
              {"sent", trace.sent},
              {"answered", trace.answered},
              {"hops", std::move(hops)},
              {"mtu", trace.mtu == 0 ? Json() : Json(trace.mtu)},
              {"mtu_told_by", text_or_null(trace.mtu_told_by)},
              {"mtu_black_hole", trace.mtu_black_hole},
              {"interface", text_or_null(trace.interface)},
              {"interface_mtu", trace.interface_mtu == 0 ? Json() : Json(trace.interface_mtu)},
              {"counters", std::move(counters)},
              {"trouble", text_or_null(trace.trouble)}};
}

Json path_json(const PathEvidence& evidence) {
  Json findings = Json::array();
  for (const PathFinding& finding : findings_of(evidence))
    findings.push_back(Json{{"code", finding.code}, {"text", finding.text}});
  return Json{{"from", evidence.link.from.str()},
              {"to", evidence.link.to.str()},
              {"kind", "path"},
              {"text", text_of(evidence)},
              {"findings", std::move(findings)},
              {"hops", hops_text(evidence.now)},
              {"now", trace_json(evidence.now)},
              {"before", evidence.before ? trace_json(*evidence.before) : Json()}};
}

}  // namespace sonde::web
