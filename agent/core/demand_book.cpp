#include "agent/core/demand_book.h"

#include <algorithm>
#include <utility>

#include "shared/schedule/slot_clock.h"

namespace sonde {
namespace {

void mark(Result& result, std::uint64_t id) {
  result.set(Tag::on_demand);
  result.details.push_back({"demand", static_cast<double>(id)});
}

nanoseconds lead_of(const wire::RunOrder& order) {
  return order.probe == Probe::latency ? DemandBook::latency_lead : nanoseconds(0);
}

}  // namespace

DemandBook::Entry* DemandBook::find(std::uint64_t id) {
  const auto found = std::ranges::find(entries_, id, [](const Entry& entry) { return entry.order.id; });
  return found == entries_.end() ? nullptr : &*found;
}

Result DemandBook::skipped(const wire::RunOrder& order, SharedTime now, std::string reason) const {
  Result result;
  result.id.from = self_;
  result.to = order.link.to;
  result.probe = order.probe;
  result.scheduled_at = order.start;
  result.finished_at = now;
  result.outcome = Outcome::skipped;
  result.reason = std::move(reason);
  mark(result, order.id);
  return result;
}

void DemandBook::on_order(SharedTime now, const wire::RunOrder& order, Out& out) {
  if (order.link.from != self_ || order.link.to == self_ || order.id == 0) return;  // no order that we could mean
  if (Entry* known = find(order.id)) {
    if (known->stage == Stage::waiting) known->order = order;
    out.messages.emplace_back(wire::RunProgress{.id = order.id});
    return;
  }
  if (entries_.size() >= most_orders) {
    out.skipped.push_back(skipped(order, now, "the agent has too many runs on demand already"));
    return;
  }
  entries_.push_back({order, Stage::waiting, now});
  out.messages.emplace_back(wire::RunProgress{.id = order.id});
}

void DemandBook::begin_or_skip(Entry& entry, SharedTime now, Out& out) const {
  if (now - entry.order.start > SlotClock::tolerance) {
    entry.stage = Stage::done;
    out.skipped.push_back(skipped(entry.order, now, "its instant had passed before the agent could begin"));
    return;
  }
  entry.stage = Stage::under_way;
  entry.told = now;
  out.begin.push_back(entry.order);
  out.messages.emplace_back(wire::RunProgress{.id = entry.order.id, .stage = 1});
}

void DemandBook::tick(SharedTime now, std::uint64_t bytes, Out& out) {
  for (Entry& entry : entries_) {
    if (entry.stage == Stage::waiting && now >= entry.order.start - lead_of(entry.order)) {
      begin_or_skip(entry, now, out);
    } else if (entry.stage == Stage::under_way && now - entry.told >= progress_every) {
      entry.told = now;
      const bool counts = entry.order.probe != Probe::latency && entry.order.probe != Probe::connect;
      out.messages.emplace_back(wire::RunProgress{.id = entry.order.id,
                                                  .stage = 1,
                                                  .elapsed = std::max(nanoseconds(0), now - entry.order.start),
                                                  .bytes = counts ? bytes : 0});
    }
  }
  // Done ones stay until their time is over, so that an order that comes twice is not carried out twice.
  std::erase_if(entries_, [&](const Entry& entry) {
    const nanoseconds stay = entry.stage == Stage::done ? nanoseconds(0) : patience;
    return entry.stage != Stage::waiting && now > entry.order.start + entry.order.length + stay;
  });
}

void DemandBook::on_result(Result& result) {
  if (result.has(Tag::on_demand)) return;
  for (Entry& entry : entries_) {
    const wire::RunOrder& order = entry.order;
    // A slot of the timetable never begins at the very instant of an order of the same link.
    if (entry.stage != Stage::under_way || order.probe != result.probe || order.link != result.link() ||
        order.start != result.scheduled_at)
      continue;
    entry.stage = Stage::done;
    mark(result, order.id);
    // What a stream of ten minutes knows of the path's floor, a burst cannot know.
    std::erase_if(result.distributions, [](const DistributionValue& v) { return v.metric == Metric::delay_rise; });
    return;
  }
}

SharedTime DemandBook::next() const {
  SharedTime next = SharedTime::max();
  for (const Entry& entry : entries_) {
    if (entry.stage == Stage::waiting) next = std::min(next, entry.order.start - lead_of(entry.order));
    if (entry.stage == Stage::under_way) next = std::min(next, entry.told + progress_every);
  }
  return next;
}

}  // namespace sonde
