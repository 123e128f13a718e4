#include "coordinator/core/roster.h"

#include <algorithm>
#include <utility>

namespace sonde {
namespace {

/// The kernel's error figure creeps all the time: peers are told when it has changed by half or more.
bool differs_much(std::optional<nanoseconds> a, std::optional<nanoseconds> b) {
  if (!a || !b) return a.has_value() != b.has_value();
  return *a > *b * 3 / 2 || *b > *a * 3 / 2;
}

}  // namespace

void Roster::set_mesh(SharedTime now, const Mesh& mesh, const Timetable& timetable, Out& out) {
  mesh_name_ = mesh.name;
  timetable_ = &timetable;
  parts_ = std::make_unique<TimetableParts>(timetable);
  const auto is_gone = [&](const auto& entry) {
    const SiteSpec* spec = mesh.site(entry.first);
    return spec == nullptr || !spec->has_agent;
  };
  std::erase_if(agents_, is_gone);
  deliveries_.clear();
  owed_.clear();
  for (const SiteSpec& spec : mesh.sites)
    if (spec.has_agent && !agents_.try_emplace(spec.site).first->second.route.empty()) owe(spec.site);
  hand_out(now, out);
  out.sites_changed = true;
}

void Roster::owe(const SiteId& site) {
  if (std::exchange(deliveries_[site].waits, true)) return;
  owed_.push_back(site);
}

/// What was sent may be on its way still, or may have been lost with a connection.
void Roster::send_again(SharedTime now, const SiteId& site, Events& events) {
  Delivery& delivery = deliveries_[site];
  if (delivery.waits) return;
  const nanoseconds wait =
      std::min(longest_resend, first_resend * (std::int64_t{1} << std::clamp(delivery.sent - 1, 0, 10)));
  const bool clock_went_back = now < delivery.sent_at;
  if (delivery.sent > 0 && !clock_went_back && now - delivery.sent_at < wait) return;
  if (delivery.sent == worrying_sends)
    events.push_back({Severity::warning,
                      "timetable_not_taken",
                      {{"site", site.str()}, {"generation", std::to_string(timetable_->generation.number)}}});
  owe(site);
}

void Roster::hand_out(SharedTime now, Out& out) {
  while (!owed_.empty() && handed_out_ < timetables_per_tick) {
    const SiteId site = std::move(owed_.front());
    owed_.pop_front();
    Delivery& delivery = deliveries_[site];
    delivery.waits = false;
    const auto agent = agents_.find(site);
    if (agent == agents_.end() || agent->second.route.empty()) continue;
    delivery.sent_at = now;
    ++delivery.sent;
    ++handed_out_;
    out.timetables.push_back({agent->second.route, site});
  }
}

void Roster::on_message(SharedTime now, const SiteId& site, const std::string& route, wire::Message message, Out& out) {
  const auto known = agents_.find(site);
  if (known == agents_.end()) {  // its key was admitted once, and the site has been removed since
    out.events.push_back({Severity::warning, "site_unknown", {{"site", site.str()}}});
    return;
  }
  AgentStatus& agent = known->second;
  agent.last_heard = now;
  out.heard.push_back(site);
  if (const auto* hello = std::get_if<wire::Hello>(&message)) return on_hello(now, site, route, *hello, out);
  if (std::holds_alternative<wire::Goodbye>(message)) {
    agent.route.clear();
    out.sites_changed = true;
    out.events.push_back({Severity::info, "agent_left", {{"site", site.str()}}});
    return;
  }
  if (agent.route != route) {  // we were restarted, or it has a second connection: let it introduce itself
    out.messages.push_back({route, wire::WhoAreYou{}});
    return;
  }
  if (const auto* heartbeat = std::get_if<wire::Heartbeat>(&message)) return on_heartbeat(now, site, *heartbeat, out);
  if (auto* batch = std::get_if<wire::ResultBatch>(&message)) {
    out.batches.emplace_back(site, std::move(*batch));
    return;
  }
  if (const auto* progress = std::get_if<wire::RunProgress>(&message)) {
    out.progress.emplace_back(site, *progress);
    return;
  }
  if (auto* answers = std::get_if<wire::ArrivalAnswers>(&message)) {
    out.arrivals.emplace_back(site, std::move(*answers));
    return;
  }
  if (auto* taken = std::get_if<wire::EvidenceTaken>(&message)) {
    out.evidence.emplace_back(site, std::move(*taken));
    return;
  }
  out.events.push_back(
      {Severity::warning, "message_unexpected", {{"site", site.str()}, {"type", std::to_string(message.index())}}});
}

void Roster::on_hello(SharedTime now, const SiteId& site, const std::string& route, const wire::Hello& hello,
                      Out& out) {
  if (hello.site != site) {
    ++impostors_;
    out.events.push_back({Severity::error, "agent_impostor", {{"key_of", site.str()}, {"claims", hello.site.str()}}});
    return;
  }
  AgentStatus& agent = agents_.at(site);
  const bool other_facts = agent.hello.boot_id != hello.boot_id;
  if (std::exchange(agent.route, route) != route) deliveries_[site].sent = 0;
  agent.connected_at = now;
  agent.hello = hello;
  out.messages.push_back({route, wire::Welcome{mesh_name_, last_seqs_[site]}});
  out.messages.push_back({route, facts_for(site)});
  if (hello.generation != timetable_->generation) {
    send_again(now, site, out.events);
    hand_out(now, out);
  }
  if (other_facts) note_facts(site);
  out.sites_changed = true;
  out.events.push_back({Severity::info, "agent_connected", {{"site", site.str()}, {"version", hello.agent_version}}});
}

void Roster::on_heartbeat(SharedTime now, const SiteId& site, const wire::Heartbeat& heartbeat, Out& out) {
  AgentStatus& agent = agents_.at(site);
  const bool other_facts = differs_much(agent.told_clock_error, heartbeat.clock_error);
  agent.heartbeat = heartbeat;
  agent.clock_offset = now.time_since_epoch() - heartbeat.sent_at.time_since_epoch();
  out.messages.push_back({agent.route, wire::HeartbeatReply{heartbeat.sent_at, now, now}});
  if (heartbeat.generation < timetable_->generation) {
    send_again(now, site, out.events);
    hand_out(now, out);
  }
  if (other_facts) note_facts(site);
}

wire::PeerFacts Roster::facts_for(const SiteId& site) const {
  wire::PeerFacts facts;
  for (const auto& [peer, agent] : agents_)
    if (peer != site && !agent.hello.boot_id.empty())
      facts.peers.push_back({peer, agent.hello.boot_id, agent.heartbeat.clock_error});
  return facts;
}

void Roster::note_facts(const SiteId& about) {
  AgentStatus& agent = agents_.at(about);
  agent.told_clock_error = agent.heartbeat.clock_error;
  new_facts_.insert(about);
}

/// One message for everybody, whoever it is about: a mesh that comes up would otherwise be told N x N times.
void Roster::tell_facts(Out& out) {
  if (new_facts_.empty()) return;
  wire::PeerFacts facts;
  for (const SiteId& site : std::exchange(new_facts_, {}))
    if (const auto agent = agents_.find(site); agent != agents_.end())
      facts.peers.push_back({site, agent->second.hello.boot_id, agent->second.heartbeat.clock_error});
  Broadcast broadcast{{}, std::move(facts)};
  for (const auto& [site, agent] : agents_)
    if (!agent.route.empty()) broadcast.routes.push_back(agent.route);
  if (!broadcast.routes.empty()) out.broadcasts.push_back(std::move(broadcast));
}

void Roster::on_stored(const SiteId& site, std::uint64_t spool, std::uint64_t seq, std::uint64_t results, Out& out) {
  last_seqs_[site] = std::max(last_seqs_[site], seq);
  const auto agent = agents_.find(site);
  if (agent == agents_.end()) return;
  agent->second.results += results;
  if (!agent->second.route.empty()) out.messages.push_back({agent->second.route, wire::Acknowledge{spool, seq}});
}

void Roster::on_unreachable(const std::string& route) {
  for (auto& [site, agent] : agents_)
    if (agent.route == route) agent.route.clear();
}

void Roster::on_standstill(nanoseconds lasted) {
  for (auto& [site, agent] : agents_)
    if (agent.last_heard) *agent.last_heard += lasted;
}

void Roster::tick(SharedTime now, Out& out) {
  handed_out_ = 0;
  hand_out(now, out);
  tell_facts(out);
  for (auto& [site, agent] : agents_) {
    const bool heard = agent.heard(now);
    if (agent.was_heard && !heard) {
      agent.route.clear();
      out.events.push_back({Severity::warning, "agent_silent", {{"site", site.str()}}});
    }
    if (agent.was_heard != heard) out.sites_changed = true;
    agent.was_heard = heard;
  }
}

}  // namespace sonde
