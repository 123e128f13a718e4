#include "coordinator/core/overflows.h"

namespace sonde {

void ListenOverflows::on_heartbeat(const SiteId& id, SharedTime now, std::uint64_t count) {
  const auto [place, is_new] = sites_.try_emplace(id, Site{count, now, {}});
  Site& site = place->second;
  // Lower than before: the host was started anew.
  if (!is_new && count > site.count) {
    site.spans.push_back({site.heard - reading_age, now, count - site.count});
    if (site.spans.size() > most_spans) site.spans.pop_front();
  }
  site.count = count;
  site.heard = now;
}

void ListenOverflows::judge(Result& result) const {
  if (result.probe != Probe::connect || !result.started_at) return;
  const bool suspicious = result.outcome == Outcome::timeout || result.detail("syn_retransmits").value_or(0) > 0;
  const auto site = sites_.find(result.to);
  if (!suspicious || site == sites_.end()) return;
  std::uint64_t rise = 0;
  for (const Span& span : site->second.spans)
    if (span.since <= result.finished_at && *result.started_at <= span.until) rise += span.rise;
  if (rise == 0) return;
  result.set(Tag::starved);
  result.details.push_back({"far_listen_overflows", static_cast<double>(rise)});
}

}  // namespace sonde
