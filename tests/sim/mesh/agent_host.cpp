#include "tests/sim/mesh/agent_host.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "shared/base/limits.h"

namespace sonde::sim {
namespace {

/// Wall clocks begin here, so that nothing is close to the epoch of 1970.
constexpr nanoseconds beginning = std::chrono::hours(24 * 365 * 50);
constexpr nanoseconds longest_sleep = std::chrono::seconds(5);

}  // namespace

Now HostClocks::read(True t) const {
  const nanoseconds lived(static_cast<std::int64_t>(static_cast<double>(t.count()) * rate_));
  nanoseconds slept = slept_;
  if (asleep_since_) slept += t - *asleep_since_;
  return {MonoTime(lived - slept + beginning), WallTime(beginning + lived + offset_)};
}

void HostClocks::wake(True t) {
  if (asleep_since_) slept_ += t - *asleep_since_;
  asleep_since_.reset();
}

AgentHost::AgentHost(SiteId site, AgentDisk& disk, Now now, std::uint64_t seed, bool without_books)
    : site_(site),
      disk_(disk),
      session_({site, "sim", "boot-" + site.str(), 7101}, Generation{}),
      prober_(site, "boot-" + site.str()),
      desk_(site),
      random_(seed),
      started_at_(now.mono),
      without_books_(without_books) {
  session_.on_spool(disk_.state());
  if (disk_.timetable) take(*disk_.timetable);
}

void AgentHost::take(const Timetable& timetable) {
  if (!prober_.set_timetable(timetable)) return;
  desk_.set_timetable(timetable);
  if (without_books_) desk_.set_full_duplex(true);
  disk_.timetable = timetable;
}

void AgentHost::store(Result result) {
  result.id = {site_, disk_.spool, ++disk_.last_seq};
  disk_.results.push_back(std::move(result));
  session_.on_spool(disk_.state());
}

void AgentHost::carry_out(Now now, Session::Out& in, AgentEffects& out) {
  if (in.acknowledged) {
    while (!disk_.results.empty() && disk_.results.front().id.seq <= *in.acknowledged) disk_.results.pop_front();
    session_.on_spool(disk_.state());
  }
  if (in.timetable) take(*in.timetable);
  std::ranges::move(in.messages, std::back_inserter(out.to_coordinator));
  if (!in.fetch_after) return;
  std::vector<Result> some;
  for (const Result& result : disk_.results)
    if (result.id.seq > *in.fetch_after && some.size() < limits::results_per_message) some.push_back(result);
  Session::Out more;
  session_.on_fetched(now, std::move(some), more);
  carry_out(now, more, out);
}

void AgentHost::carry_out(TransferOut& in, AgentEffects& out) {
  std::ranges::move(in.commands, std::back_inserter(out.commands));
  std::ranges::move(in.messages, std::back_inserter(out.to_peers));
  for (Result& result : in.results) store(std::move(result));
}

void AgentHost::on_control(Now now, const wire::Message& message, AgentEffects& out) {
  Session::Out news;
  session_.on_message(now, message, news);
  carry_out(now, news, out);
}

void AgentHost::on_peer(Now now, const SiteId& from, const wire::Message& message, AgentEffects& out) {
  TransferOut news;
  desk_.on_message(transfer_now(now), from, message, news);
  carry_out(news, out);
}

void AgentHost::on_report(Now now, const TransferReport& report, AgentEffects& out) {
  TransferOut news;
  desk_.on_report(transfer_now(now), report, news);
  carry_out(news, out);
}

void AgentHost::tick(Now now, AgentEffects& out) {
  const ClockMap estimate = session_.clock(now);
  clock_.known = estimate.known;
  if (estimate.known) clock_ = estimate;
  measuring_ = session_.within_autonomy(now.mono, started_at_, prober_.timetable().policy.autonomy);
  TransferOut transfers;
  if (measuring_ && clock_.known) {
    Prober::Out due;
    prober_.tick(now, clock_, due);
    desk_.set_generation(prober_.in_force());
    for (Result& result : due.skipped) store(std::move(result));
    for (const ThroughputOrder& order : due.transfers) {
      wire::Token token{};
      for (std::uint8_t& octet : token) octet = static_cast<std::uint8_t>(random_.below(256));
      out.begun.push_back(order);
      desk_.start(transfer_now(now), order, token, transfers);
    }
  }
  desk_.tick(transfer_now(now), transfers);
  carry_out(transfers, out);
  Session::Out news;
  session_.tick(now, news);
  carry_out(now, news, out);
}

nanoseconds AgentHost::wait(Now now) const {
  nanoseconds wait = std::min(longest_sleep, session_.next_deadline() - now.mono);
  if (const auto deadline = desk_.next_deadline()) wait = std::min(wait, *deadline - now.mono);
  if (measuring_ && clock_.known) {
    const SharedTime here = clock_.shared(now.wall);
    if (const SharedTime next = prober_.next(); next < here + wait) wait = next - std::min(next, here);
  }
  return std::max(wait, nanoseconds(0));
}

}  // namespace sonde::sim
