// The world's data movers and its network.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "tests/sim/mesh/world_state.h"

namespace sonde::sim {

using namespace std::chrono_literals;

// ---- the way of the data

void World::report(std::uint32_t host, nanoseconds in, TransferReport what) {
  plan_event(now_ + in, What::report, host, 0, keep({std::move(what), hosts_[host].life}));
}

void World::stop_flow(const wire::Token& token, nanoseconds drain) {
  const auto found = flows_.find(token);
  if (found == flows_.end()) return;
  const Flow flow = found->second;
  flows_.erase(found);
  if (flow.writing) conflicts_->end(flow.id);
  if (flow.receiving) report(flow.to, drain, ReceiverDrained{token});
}

void World::command(std::uint32_t host, const TransferCommand& what) {
  if (const auto* receive = std::get_if<ReceiveStreams>(&what)) {
    flows_[receive->token] = {.id = ++flow_ids_, .to = host, .receiving = true};
    flows_[receive->token].from = host;  // until it opens
  } else if (const auto* open = std::get_if<OpenStreams>(&what)) {
    const auto flow = flows_.find(open->token);
    if (flow == flows_.end() || !is_up(flow->second.to) || network_.is_cut(host, flow->second.to)) return;
    flow->second.from = host;
    const nanoseconds there = delay(host, flow->second.to);
    const nanoseconds back = delay(flow->second.to, host);
    report(host, there + back, StreamsOpen{open->token});
    report(flow->second.to, there + back + there, ReceiverReady{open->token});
  } else if (const auto* start = std::get_if<StartWriting>(&what)) {
    const auto flow = flows_.find(start->token);
    if (flow == flows_.end()) return;
    flow->second.writing = true;
    const Link on{hosts_[host].site, hosts_[flow->second.to].site};
    conflicts_->begin(flow->second.id, on, shared(), fmt::format("true second {:.3f}", to_seconds(now_)));
    if (network_.is_cut(host, flow->second.to)) return;
    ReceiverEnded ended;
    ended.finished.token = start->token;
    ended.finished.values = {{Metric::throughput, 94e6}};
    const auto lasts = nanoseconds(static_cast<std::int64_t>((0.5 + random_.unit() / 2) * 4.6e9));
    report(flow->second.to, lasts, std::move(ended));
  } else if (const auto* stop = std::get_if<StopSending>(&what)) {
    const auto flow = flows_.find(stop->token);
    const nanoseconds drain = flow == flows_.end() ? 1ms : delay(host, flow->second.to);
    stop_flow(stop->token, drain);
    report(host, 1ms, SenderEnded{stop->token, Outcome::ok, {}, {}});
  } else if (const auto* drop = std::get_if<StopReceiving>(&what)) {
    const auto flow = flows_.find(drop->token);
    if (flow != flows_.end()) flow->second.receiving = false;
    if (flow != flows_.end() && !flow->second.writing) flows_.erase(flow);
    report(host, 1ms, ReceiverDrained{drop->token});
  }
}

// ---- the network

void World::plan_event(True at, What what, std::uint32_t host, std::uint32_t from, std::uint32_t payload) {
  events_.push({at, planned_events_++, what, host, from, payload});
}

std::uint32_t World::keep(Payload payload) {
  if (free_payloads_.empty()) {
    payloads_.push_back(std::move(payload));
    return static_cast<std::uint32_t>(payloads_.size() - 1);
  }
  const std::uint32_t at = free_payloads_.back();
  free_payloads_.pop_back();
  payloads_[at] = std::move(payload);
  return at;
}

Payload World::take(std::uint32_t payload) {
  free_payloads_.push_back(payload);
  return std::move(payloads_[payload]);
}

nanoseconds World::delay(std::uint32_t from, std::uint32_t to) {
  return network_.base_delay(from, to) + nanoseconds(static_cast<std::int64_t>(random_.below(8'000'000)));
}

void World::send_up(std::uint32_t host, wire::Message message) {
  if (network_.loses_up(host, random_)) return;
  Host& sender = hosts_[host];
  sender.last_up = std::max(sender.last_up + 1us, now_ + delay(host, NetworkState::coordinator));
  plan_event(sender.last_up, What::to_coordinator, host, 0, keep({std::move(message), sender.life}));
}

void World::send_down(std::uint32_t host, wire::Message message) {
  if (network_.loses_down(host, random_)) return;
  Host& receiver = hosts_[host];
  if (auto* reply = std::get_if<wire::HeartbeatReply>(&message)) {
    reply->received_at += receiver.told_wrong;
    reply->replied_at += receiver.told_wrong;
  }
  receiver.last_down = std::max(receiver.last_down + 1us, now_ + delay(NetworkState::coordinator, host));
  plan_event(receiver.last_down, What::to_agent, host, 0, keep({std::move(message), receiver.life}));
}

void World::send_peer(std::uint32_t from, std::uint32_t to, wire::Message message) {
  if (network_.is_cut(from, to)) return;
  plan_event(now_ + delay(from, to), What::to_peer, to, from, keep({std::move(message), hosts_[to].life}));
}

}  // namespace sonde::sim
