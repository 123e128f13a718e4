#include "coordinator/core/loss_join.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "shared/base/limits.h"

namespace sonde {
namespace {

std::uint64_t whole(const Result& result, std::string_view name) {
  const double value = result.detail(name).value_or(0);
  return value > 0 && value < 1e15 ? static_cast<std::uint64_t>(value) : 0;
}

/// Adds to a detail that may not be there yet; never below 0.
void change(Result& result, std::string_view name, double by) {
  const auto found = std::ranges::find(result.details, name, &Detail::name);
  if (found != result.details.end())
    found->value = std::max(0.0, found->value + by);
  else if (by > 0)
    result.details.push_back({std::string(name), by});
}

void add(Result& result, Metric metric, const LossShares& more) {
  const std::uint64_t tries = more.forward_lost + more.reverse_lost;
  if (tries == 0) return;
  const auto found = std::ranges::find(result.ratios, metric, &RatioValue::metric);
  if (found == result.ratios.end()) {
    result.ratios.push_back({metric, more.forward_lost, tries});
    return;
  }
  found->hits += more.forward_lost;
  found->tries += tries;
}

void subtract(Result& result, Metric metric, const LossShares& less) {
  const auto found = std::ranges::find(result.ratios, metric, &RatioValue::metric);
  if (found == result.ratios.end()) return;
  found->hits -= std::min(found->hits, less.forward_lost);
  found->tries -= std::min(found->tries, less.forward_lost + less.reverse_lost);
  found->hits = std::min(found->hits, found->tries);
  if (found->tries == 0) result.ratios.erase(found);
}

}  // namespace

std::optional<LossTail> open_tail(const Result& result) {
  if (result.probe != Probe::latency || !result.started_at) return std::nullopt;
  constexpr auto highest = std::uint64_t{0xFFFF'FFFF};
  const std::uint64_t first = whole(result, "tail_first");
  const std::uint64_t last = whole(result, "tail_last");
  LossTail tail{.sent = whole(result, "tail_sent"), .loaded = whole(result, "tail_loaded")};
  if (tail.sent == 0 || tail.loaded > tail.sent || first > highest || last > highest) return std::nullopt;
  tail.first = static_cast<std::uint32_t>(first);
  tail.last = static_cast<std::uint32_t>(last);
  return tail;
}

void join_tail(Result& result, const LossTail& tail, std::uint64_t received) {
  const TailShares shares = decide_tail(tail, received);
  add(result, Metric::loss, shares.idle);
  add(result, Metric::loss_loaded, shares.loaded);
  const auto back = static_cast<double>(shares.idle.reverse_lost);
  change(result, "unattributed", -static_cast<double>(tail.sent));
  change(result, "reverse_lost", back);
  change(result, "reverse_tries", back);
  result.details.push_back({"far_received", static_cast<double>(std::min(received, tail.sent))});
}

void leave_out_previous(Result& result, const TailShares& counted) {
  // The reply decides the tail together with what was lost behind it, and shares out between the two by guess: what the
  // far agent counted of the tail is exact, and so is then the rest.
  const bool decided = result.detail("previous_lost") || result.detail("previous_reverse_lost") ||
                       result.detail("previous_lost_loaded") || result.detail("previous_reverse_lost_loaded");
  if (!decided) return;
  subtract(result, Metric::loss, counted.idle);
  subtract(result, Metric::loss_loaded, counted.loaded);
  change(result, "reverse_lost", -static_cast<double>(counted.idle.reverse_lost));
  change(result, "reverse_tries", -static_cast<double>(counted.idle.reverse_lost));
}

void LossJoin::restore(const Result& result) {
  if (result.probe != Probe::latency) return;
  const std::uint64_t ssid = whole(result, "ssid");
  const auto tail = open_tail(result);
  if (tail && result.detail("far_received"))
    joined_[result.link()] = {ssid, decide_tail(*tail, whole(result, "far_received"))};
  else if (const auto known = joined_.find(result.link()); known != joined_.end() && known->second.ssid == ssid)
    joined_.erase(known);
}

void LossJoin::add(MonoTime now, StoreBatch batch, const std::function<bool(const SiteId&)>& can_answer, Out& out) {
  const SiteId site = batch.site;
  Held held{.batch = std::move(batch), .deadline = now + patience, .first_id = next_id_, .answers = {}, .asked = {}};
  if (waiting_ < most_waiting) ask(held, can_answer, out);
  waiting_ += held.batch.results.size();
  held_[site].push_back(std::move(held));
  release(site, std::nullopt, out);
}

void LossJoin::ask(Held& held, const std::function<bool(const SiteId&)>& can_answer, Out& out) {
  std::map<SiteId, std::vector<wire::ArrivalQuestion>> questions;
  for (std::size_t i = 0; i < held.batch.results.size(); ++i) {
    const Result& result = held.batch.results[i];
    const auto tail = open_tail(result);
    if (!tail) continue;
    if (!can_answer(result.to)) {
      ++counters_.unknown;
      continue;
    }
    const std::uint64_t id = next_id_++;
    asked_.emplace(id, Asked{held.batch.site, result.to, held.asked.size()});
    held.asked.push_back(i);
    held.answers.emplace_back();
    ++held.open;
    questions[result.to].push_back({.id = id,
                                    .from = result.id.from,
                                    .ssid = static_cast<std::uint16_t>(whole(result, "ssid") & 0xFFFFU),
                                    .first = tail->first,
                                    .last = tail->last,
                                    .sent_at = *result.started_at});
  }
  // A batch has no more results than a message may have questions.
  static_assert(limits::results_per_message <= limits::arrival_questions);
  for (auto& [to, some] : questions) out.questions.emplace_back(to, wire::ArrivalQuestions{std::move(some)});
}

void LossJoin::on_answers(const SiteId& site, const wire::ArrivalAnswers& answers, Out& out) {
  for (const wire::ArrivalAnswer& answer : answers.answers) {
    const auto asked = asked_.find(answer.id);
    if (asked == asked_.end() || asked->second.of != site) continue;
    const SiteId from = asked->second.from;
    auto& queue = held_[from];
    const auto held = std::ranges::find_if(queue, [&](const Held& candidate) {
      return candidate.first_id <= answer.id && answer.id < candidate.first_id + candidate.asked.size();
    });
    if (held != queue.end()) {
      if (answer.known) held->answers[asked->second.question] = answer.received;
      if (!answer.known) ++counters_.unknown;
      --held->open;
    }
    asked_.erase(asked);
    release(from, std::nullopt, out);
  }
}

void LossJoin::tick(MonoTime now, Out& out) {
  std::vector<SiteId> sites;
  for (const auto& [site, queue] : held_)
    if (!queue.empty() && (queue.front().deadline <= now || waiting_ >= most_waiting)) sites.push_back(site);
  for (const SiteId& site : sites) release(site, waiting_ >= most_waiting ? MonoTime::max() : now, out);
}

/// Lets go what is complete, or has waited until `now`.
void LossJoin::release(const SiteId& site, std::optional<MonoTime> now, Out& out) {
  const auto found = held_.find(site);
  if (found == held_.end()) return;
  auto& queue = found->second;
  while (!queue.empty() && (queue.front().open == 0 || (now && queue.front().deadline <= *now))) {
    Held& held = queue.front();
    counters_.unanswered += held.open;
    for (std::size_t i = 0; i < held.asked.size(); ++i) asked_.erase(held.first_id + i);
    waiting_ -= held.batch.results.size();
    finish(held);
    out.ready.push_back(std::move(held.batch));
    queue.pop_front();
  }
  if (queue.empty()) held_.erase(found);
}

void LossJoin::finish(Held& held) {
  std::size_t question = 0;
  for (std::size_t i = 0; i < held.batch.results.size(); ++i) {
    Result& result = held.batch.results[i];
    if (result.probe != Probe::latency) continue;
    const auto known = joined_.find(result.link());
    if (known != joined_.end() && known->second.ssid == whole(result, "ssid"))
      leave_out_previous(result, known->second.shares);
    if (question < held.asked.size() && held.asked[question] == i) {
      const auto& received = held.answers[question++];
      const auto tail = open_tail(result);
      if (received && tail) {
        join_tail(result, *tail, *received);
        ++counters_.decided;
      }
    }
    restore(result);
  }
}

void LossJoin::drop(const SiteId& site) {
  const auto found = held_.find(site);
  if (found == held_.end()) return;
  for (const Held& held : found->second) {
    waiting_ -= held.batch.results.size();
    for (std::size_t i = 0; i < held.asked.size(); ++i) asked_.erase(held.first_id + i);
  }
  held_.erase(found);
}

}  // namespace sonde
