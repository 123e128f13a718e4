#include "agent/core/evidence_queue.h"

#include <algorithm>
#include <utility>

namespace sonde {
namespace {

wire::EvidenceTaken refusal(const wire::EvidenceOrder& order, SharedTime now, std::string why) {
  wire::EvidenceTaken taken{.id = order.id, .to = order.to, .trace = {}};
  taken.trace.began_at = now;
  taken.trace.trouble = std::move(why);
  return taken;
}

}  // namespace

void EvidenceQueue::add(MonoTime now, SharedTime shared, const wire::EvidenceOrder& order, Refused& refused) {
  const bool known =
      std::ranges::any_of(waiting_, [&](const Waiting& waiting) { return waiting.order.id == order.id; });
  if (known) return;
  if (waiting_.size() >= most_orders) {
    refused.push_back(refusal(order, shared, "too many looks were asked of this agent at once"));
    return;
  }
  waiting_.push_back({order, now + order.patience});
}

std::optional<wire::EvidenceOrder> EvidenceQueue::take(MonoTime now, SharedTime shared, bool busy, Refused& refused) {
  std::erase_if(waiting_, [&](const Waiting& waiting) {
    if (waiting.until > now) return false;
    refused.push_back(refusal(waiting.order, shared, "it did not get its turn in time"));
    return true;
  });
  auto next = std::ranges::find_if(waiting_, [](const Waiting& waiting) { return !waiting.order.at_leisure; });
  if (next == waiting_.end() && !busy) next = waiting_.begin();
  if (next == waiting_.end()) return std::nullopt;
  const wire::EvidenceOrder order = next->order;
  waiting_.erase(next);
  return order;
}

}  // namespace sonde
