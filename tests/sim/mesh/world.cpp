#include "tests/sim/mesh/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "coordinator/core/planner.h"
#include "tests/sim/mesh/world_state.h"

namespace sonde::sim {
namespace {

using namespace std::chrono_literals;

constexpr nanoseconds lead = 2s;        ///< as the coordinator's
constexpr nanoseconds first_lead = 6s;  ///< as the coordinator's
constexpr nanoseconds run_duration = 5s;
constexpr nanoseconds coordinator_turn = 100ms;
/// Between the true instant and what an agent believes: clocks' errors, a late wake-up.
constexpr nanoseconds take_over_slack = 800ms;
constexpr std::size_t most_complaints = 20;

}  // namespace

World::World(const WorldSettings& settings)
    : settings_(settings), random_(settings.seed), network_(settings.sites), coordinator_clocks_(20e-6, 0s) {
  all_.name = "sim";
  all_.policy.latency.reset();
  all_.policy.connect.reset();
  all_.policy.autonomy = settings.autonomy;
  all_.policy.throughput->duration = run_duration;
  all_.policy.throughput->max_duration = run_duration;
  all_.policy.throughput->full_duplex = settings.full_duplex;
  hosts_.resize(settings.sites);
  stored_seq_.resize(settings.sites, 0);
  last_ok_.resize(std::size_t{settings.sites} * settings.sites, -1ns);
  for (std::uint32_t i = 0; i < settings.sites; ++i) {
    Host& host = hosts_[i];
    host.site = SiteId::known(fmt::format("s{:04}", i));
    index_[host.site] = i;
    SiteSpec spec;
    spec.site = host.site;
    spec.addresses = {"192.0.2.1"};
    if (i / 2 < settings.uplinks) spec.uplink = fmt::format("uplink {}", i / 2);
    all_.sites.push_back(std::move(spec));
    host.clocks = HostClocks((random_.unit() * 2 - 1) * 80e-6, from_seconds((random_.unit() * 2 - 1) * 300));
    host.disk.spool = random_.next();
    if (settings.without_books && random_.below(3) == 0) host.told_wrong = from_seconds((random_.unit() * 2 - 1) * 4);
  }
  conflicts_ = std::make_unique<Conflicts>(all_, settings.full_duplex);
  faults_ = make_faults(settings, random_);
  for (std::uint32_t i = 0; i < faults_.size(); ++i) plan_event(faults_[i].at, What::fault, 0, 0, i);
}

WorldReport World::run() {
  start_coordinator();
  for (std::uint32_t i = 0; i < hosts_.size(); ++i) start_agent(i);
  plan_event(coordinator_turn, What::coordinator);
  while (!events_.empty() && events_.top().at < settings_.length) {
    const Event event = events_.top();
    events_.pop();
    now_ = event.at;
    carry_out(event);
    if (++out_.events % 1'000'000 == 0 && settings_.progress)
      settings_.progress(to_seconds(now_) / to_seconds(settings_.length));
  }
  now_ = settings_.length;
  check_coverage();
  out_.conflicts = conflicts_->found();
  return std::move(out_);
}

void World::carry_out(const Event& event) {
  switch (event.what) {
    case What::wake:
      if (event.payload == hosts_[event.host].wake && is_up(event.host)) on_wake(event.host);
      return;
    case What::coordinator: return coordinator_turn_now();
    case What::fault: return on_fault(faults_[event.payload]);
    case What::to_coordinator:
    case What::to_agent:
    case What::to_peer:
    case What::report: break;
  }
  Payload payload = take(event.payload);
  if (event.what == What::to_coordinator)
    return on_coordinator_message(event.host, payload.life, std::move(std::get<wire::Message>(payload.what)));
  Host& host = hosts_[event.host];
  if (!is_up(event.host) || payload.life != host.life) return;
  const Now now = host.clocks.read(now_);
  AgentEffects effects;
  if (event.what == What::report) {
    host.agent->on_report(now, std::get<TransferReport>(payload.what), effects);
  } else if (event.what == What::to_agent) {
    host.heard = now.mono;
    host.agent->on_control(now, std::get<wire::Message>(payload.what), effects);
  } else {
    if (lets_in(host, event.from))
      host.agent->on_peer(now, hosts_[event.from].site, std::get<wire::Message>(payload.what), effects);
  }
  after(event.host, effects);
  on_wake(event.host);
}

/// The doors between agents open for members only (PeerLinks, by their keys).
bool World::lets_in(Host& host, std::uint32_t from) {
  if (!host.disk.timetable) return false;
  if (host.peers.empty() || host.peers_by != host.disk.timetable->generation) {
    host.peers_by = host.disk.timetable->generation;
    host.peers.assign(hosts_.size(), false);
    for (const Member& member : host.disk.timetable->members) host.peers[index_.at(member.site)] = true;
  }
  return host.peers[from];
}

void World::on_wake(std::uint32_t host) {
  AgentEffects effects;
  hosts_[host].agent->tick(hosts_[host].clocks.read(now_), effects);
  after(host, effects);
  settle(host);
}

void World::after(std::uint32_t host, AgentEffects& effects) {
  for (const ThroughputOrder& order : effects.begun) check_begun(host, order);
  for (const TransferCommand& command_now : effects.commands) command(host, command_now);
  for (wire::Message& message : effects.to_coordinator) send_up(host, std::move(message));
  for (TransferMessage& message : effects.to_peers)
    if (const auto to = index_.find(message.to); to != index_.end())
      send_peer(host, to->second, std::move(message.message));
}

/// Plans the host's next turn. A busy machine comes late, now and then far too late.
void World::settle(std::uint32_t index) {
  Host& host = hosts_[index];
  const nanoseconds wait = host.clocks.after(host.agent->wait(host.clocks.read(now_)));
  const bool is_calm = now_ > settings_.length - settings_.calm;
  const bool starved = settings_.faults > 0 && !is_calm && random_.below(2000) == 0;
  const nanoseconds late(static_cast<std::int64_t>(random_.below(starved ? 900'000'000 : 1'500'000)));
  plan_event(now_ + wait + late + 50us, What::wake, index, 0, ++host.wake);
}

void World::check_begun(std::uint32_t index, const ThroughputOrder& order) {
  const Host& host = hosts_[index];
  const Now now = host.clocks.read(now_);
  if (now.mono - host.heard > settings_.autonomy + 1s)
    complain(fmt::format("{} began a run {:.0f} s after it had heard the coordinator last", host.site.str(),
                         to_seconds(now.mono - host.heard)));
  const auto own = effective_.find(order.generation);
  if (own != effective_.end() && shared() + take_over_slack < own->second)
    complain(fmt::format("{} began a run of generation {} before it was in force", host.site.str(),
                         order.generation.number));
  const Generation newest = host.agent->newest();
  if (newest > order.generation && shared() > effective_.at(newest) + take_over_slack)
    complain(fmt::format("{} began a run of generation {} although it had {} in force", host.site.str(),
                         order.generation.number, newest.number));
}

// ---- faults

void World::on_fault(const Fault& fault) {
  Host& host = hosts_[fault.host];
  switch (fault.kind) {
    case Fault::Kind::step:
      host.clocks.step(fault.amount);
      ++out_.steps;
      // The agent's loop turns ten times a second.
      if (is_up(fault.host))
        plan_event(now_ + nanoseconds(static_cast<std::int64_t>(random_.below(100'000'000))), What::wake, fault.host, 0,
                   ++host.wake);
      return;
    case Fault::Kind::die:
      if (host.agent) ++out_.deaths;
      return kill_agent(fault.host);
    case Fault::Kind::born:
      if (!host.agent) start_agent(fault.host);
      return;
    case Fault::Kind::sleep: return begin_sleep(fault);
    case Fault::Kind::wake:
      if (!host.asleep) return;
      host.clocks.wake(now_);
      host.asleep = false;
      if (host.agent) plan_event(now_ + 1ms, What::wake, fault.host, 0, ++host.wake);
      return;
    case Fault::Kind::coordinator_dies:
      roster_.reset();
      ++out_.coordinator_deaths;
      return;
    case Fault::Kind::coordinator_returns: return start_coordinator();
    case Fault::Kind::joins:
    case Fault::Kind::leaves:
      if (fault.kind == Fault::Kind::joins)
        away_.erase(host.site);
      else
        away_.insert(host.site);
      if (roster_) replan(false);
      return;
    case Fault::Kind::network:
      network_.apply(fault);
      if (fault.begins) ++out_.partitions;
      return;
  }
}

void World::start_agent(std::uint32_t index) {
  Host& host = hosts_[index];
  ++host.life;
  const Now now = host.clocks.read(now_);
  host.heard = now.mono;
  host.agent = std::make_unique<AgentHost>(host.site, host.disk, now, random_.next(), settings_.without_books);
  settle(index);
}

/// The kernel resets its connections; nothing of it is left but its disk.
void World::kill_agent(std::uint32_t index) {
  Host& host = hosts_[index];
  std::vector<wire::Token> own;
  for (const auto& [token, flow] : flows_)
    if (flow.from == index || (flow.to == index && flow.writing)) own.push_back(token);
  for (const wire::Token& token : own) {
    const Flow flow = flows_.at(token);
    stop_flow(token, 1ms);
    if (flow.to == index && is_up(flow.from))
      report(flow.from, delay(index, flow.from), SenderEnded{token, Outcome::reset, "connection reset", {}});
  }
  host.agent.reset();
}

void World::begin_sleep(const Fault& fault) {
  Host& host = hosts_[fault.host];
  if (host.asleep || !host.agent) return;
  const bool has_run = std::ranges::any_of(
      flows_, [&](const auto& entry) { return entry.second.from == fault.host || entry.second.to == fault.host; });
  if (has_run) return;  // a laptop whose lid is closed during a run only loses that run: what die tests
  host.asleep = true;
  host.clocks.sleep(now_);
  ++out_.sleeps;
}

// ---- the coordinator

void World::start_coordinator() {
  if (roster_) return;
  roster_ = std::make_unique<Roster>();
  audit_ = std::make_unique<RunAudit>();
  replan(!stored_timetable_);
}

void World::replan(bool first) {
  Mesh mesh = all_;
  std::erase_if(mesh.sites, [&](const SiteSpec& spec) { return away_.contains(spec.site); });
  const Generation at_least{static_cast<std::uint64_t>(to_ns(shared()) / 1'000'000)};
  const PlanRequest request{
      .mesh = mesh, .seed = 1, .effective_at = shared() + (first ? first_lead : lead), .at_least = at_least};
  if (stored_timetable_) {
    if (const auto planned = sonde::replan(*stored_timetable_, request); !planned)
      return complain("no timetable: " + planned.error().what);
  } else {
    stored_timetable_ = *plan(request);
  }
  ++out_.generations;
  effective_[stored_timetable_->generation] = stored_timetable_->effective_at;
  for (const SiteSpec& spec : mesh.sites) roster_->set_last_seq(spec.site, stored_seq_[index_.at(spec.site)]);
  audit_->set_plan(mesh, *stored_timetable_);
  Roster::Out out;
  roster_->set_mesh(shared(), mesh, *stored_timetable_, out);
  carry_out(out);
}

void World::coordinator_turn_now() {
  plan_event(now_ + coordinator_turn, What::coordinator);
  if (!roster_) return;
  Roster::Out out;
  roster_->tick(shared(), out);
  carry_out(out);
}

void World::on_coordinator_message(std::uint32_t host, std::uint32_t life, wire::Message message) {
  if (!roster_) return;
  Roster::Out out;
  roster_->on_message(shared(), hosts_[host].site, fmt::format("{}.{}", host, life), std::move(message), out);
  carry_out(out);
}

void World::carry_out(Roster::Out& out) {
  Roster::Out more;
  for (const auto& [site, batch] : out.batches) take_results(site, batch, more);
  for (Roster::Out* some : {&out, &more}) {
    for (Roster::Outgoing& outgoing : some->messages) send_route(outgoing.route, std::move(outgoing.message));
    for (const auto& [route, site] : some->timetables) send_route(route, wire::NewTimetable{roster_->parts().of(site)});
    for (const auto& [routes, message] : some->broadcasts)
      for (const std::string& route : routes) send_route(route, message);
  }
}

/// A message to an earlier life of the host reaches nobody.
void World::send_route(const std::string& route, wire::Message message) {
  std::uint32_t host = 0;
  std::uint32_t life = 0;
  const char* const end = route.data() + route.size();
  const auto dot = std::from_chars(route.data(), end, host);
  std::from_chars(dot.ptr + 1, end, life);
  if (life == hosts_[host].life) send_down(host, std::move(message));
}

void World::take_results(const SiteId& site, const wire::ResultBatch& batch, Roster::Out& out) {
  const std::uint32_t from = index_.at(site);
  std::uint64_t fresh = 0;
  for (const Result& result : batch.results) {
    if (result.id.seq <= stored_seq_[from]) continue;
    stored_seq_[from] = result.id.seq;
    ++fresh;
    Events events;
    audit_->on_result(result, events);
    out_.audited_overlaps += events.size();
    const auto at = result.started_at.value_or(result.scheduled_at);
    for (const std::uint64_t part : {std::uint64_t{from}, result.id.seq, static_cast<std::uint64_t>(to_ns(at))})
      out_.fingerprint = (out_.fingerprint ^ part) * 0x100'0000'01B3;
    switch (result.outcome) {
      case Outcome::ok:
        ++out_.runs_ok;
        last_ok_[link(from, index_.at(result.to))] = now_;
        break;
      case Outcome::busy: ++out_.runs_busy; break;
      case Outcome::skipped: ++out_.runs_skipped; break;
      default: ++out_.runs_failed;
    }
  }
  if (!batch.results.empty()) roster_->on_stored(site, batch.results.front().id.spool, stored_seq_[from], fresh, out);
}

/// In the calm at the end every pair has been measured within its interval, and a little for the way of the result.
void World::check_coverage() {
  if (!stored_timetable_) return;
  for (const ThroughputSlot& slot : stored_timetable_->slots) {
    const True last = last_ok_[link(index_.at(slot.link.from), index_.at(slot.link.to))];
    const True limit = settings_.length - stored_timetable_->interval(slot) - 3min;
    if (limit > 0ns && last < limit)
      complain(fmt::format("{}->{} was measured last at {:.0f} s of {:.0f}", slot.link.from.str(), slot.link.to.str(),
                           to_seconds(last), to_seconds(settings_.length)));
  }
}

void World::complain(std::string what) {
  if (out_.broken.size() < most_complaints) out_.broken.push_back(std::move(what));
}

WorldReport run_world(const WorldSettings& settings) { return World(settings).run(); }

}  // namespace sonde::sim
