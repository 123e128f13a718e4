#include "coordinator/core/notify.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "shared/base/kept_text.h"

namespace sonde {
namespace {

constexpr std::array<std::string_view, 4> receiver_kind_names{"alertmanager", "webhook", "smtp", "command"};

/// FNV-1a, 64 bits: equal on every platform, for it is kept.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 14695981039346656037U;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 1099511628211U;
  }
  return hash == 0 ? 1 : hash;
}

std::string_view direction_of(CauseKind kind) {
  switch (kind) {
    case CauseKind::egress: return "egress";
    case CauseKind::ingress: return "ingress";
    case CauseKind::link: return "forward";
    case CauseKind::site_down:
    case CauseKind::pair:
    case CauseKind::uplink:
    case CauseKind::group:
    case CauseKind::all: return "both";
    case CauseKind::agent_silent:
    case CauseKind::agent_starved:
    case CauseKind::clock:
    case CauseKind::coordinator:
    case CauseKind::budget: return "";
  }
  return "";
}

template <typename T>
bool read(std::string_view text, T& out) {
  const auto number = number_in<T>(text);
  if (number) out = *number;
  return number.has_value();
}

nanoseconds back_off(std::uint32_t failures) {
  nanoseconds wait = Notify::first_back_off;
  for (std::uint32_t i = 1; i < failures && wait < Notify::most_back_off; ++i) wait *= 2;
  return std::min(wait, Notify::most_back_off);
}

}  // namespace

std::string_view name(ReceiverKind kind) { return receiver_kind_names.at(static_cast<std::size_t>(kind)); }

std::string Receiver::title() const {
  if (kind == ReceiverKind::command) return fmt::format("{} {}", name(kind), fmt::join(argv, " "));
  if (kind == ReceiverKind::mail) return fmt::format("{} {} {}", name(kind), url, fmt::join(to, ","));
  return fmt::format("{} {}", name(kind), url);
}

std::string Receiver::public_title() const {
  if (kind == ReceiverKind::command) return fmt::format("{} {}", name(kind), argv.empty() ? "" : argv.front());
  std::string_view host = url;
  if (const std::size_t at = host.find("://"); at != std::string_view::npos) host.remove_prefix(at + 3);
  host = host.substr(0, host.find_first_of("/?#"));
  if (const std::size_t at = host.rfind('@'); at != std::string_view::npos) host.remove_prefix(at + 1);
  return fmt::format("{} {}", name(kind), host);
}

Labels labels_of(const Incident& incident, const std::string& mesh) {
  Labels labels{{"alertname", "SondeIncident"}, {"incident", incident.id}, {"mesh", mesh}};
  const auto add = [&](const char* key, std::string_view value) {
    if (!value.empty()) labels.emplace(key, value);
  };
  const Cause& cause = incident.cause;
  add("cause", name(cause.kind));
  add("severity", name(incident.severity));
  add("site", cause.site.str());
  add("from", cause.link.from.str());
  add("to", cause.link.to.str());
  add("direction", direction_of(cause.kind));
  add("uplink", cause.kind == CauseKind::uplink ? cause.name : "");
  add("group", cause.kind == CauseKind::group ? cause.name : "");
  if (!incident.metrics.empty()) add("metric", name(incident.metrics.front()));
  return labels;
}

std::uint64_t news_of(const Incident& incident) {
  std::string text = fmt::format("{}|{}|{}|{}|{}|", incident.id, describe(incident.cause), name(incident.severity),
                                 incident.open(), incident.links.size());
  for (const Metric metric : incident.metrics) text += fmt::format("{},", name(metric));
  return hash_of(text);
}

void Notify::set_policy(const NotifyPolicy& policy, const Mesh& mesh) {
  policy_ = policy;
  mesh_ = mesh;
  // Of a receiver that is gone nothing is owed any more.
  std::erase_if(states_, [&](const auto& entry) {
    return std::ranges::none_of(policy_.receivers,
                                [&](const Receiver& receiver) { return receiver.title() == entry.first; });
  });
  std::erase_if(counters_, [&](const auto& entry) {
    return std::ranges::none_of(policy_.receivers,
                                [&](const Receiver& receiver) { return receiver.title() == entry.first; });
  });
  for (const Receiver& receiver : policy_.receivers) counters_[receiver.title()];
}

std::map<std::string, Notify::Counters> Notify::public_counters() const {
  std::map<std::string, Counters> out;
  for (const Receiver& receiver : policy_.receivers) {
    const auto found = counters_.find(receiver.title());
    Counters& sum = out[receiver.public_title()];
    if (found == counters_.end()) continue;
    sum.delivered += found->second.delivered;
    sum.failed += found->second.failed;
    sum.failures_in_a_row += found->second.failures_in_a_row;
  }
  return out;
}

bool Notify::take_dirty() { return std::exchange(dirty_, false); }

bool Notify::wants(const Receiver& receiver, const Incident& incident) const {
  const NotifyRoute& route = receiver.route;
  if (incident.severity < route.least) return false;
  if (route.sites.empty() && route.groups.empty()) return true;
  return std::ranges::any_of(mesh_.sites, [&](const SiteSpec& site) {
    if (!involves(incident.cause, mesh_, site.site)) return false;
    return std::ranges::find(route.sites, site.site) != route.sites.end() ||
           std::ranges::any_of(site.groups, [&](const std::string& group) {
             return std::ranges::find(route.groups, group) != route.groups.end();
           });
  });
}

void Notify::forget(State& state, const std::vector<Candidate>& candidates) {
  std::erase_if(state.told, [&](const auto& entry) {
    return std::ranges::none_of(candidates, [&](const Candidate& one) { return one.incident->id == entry.first; });
  });
}

std::vector<Delivery> Notify::due(SharedTime now, const std::vector<Candidate>& candidates) {
  std::vector<Delivery> out;
  for (const Receiver& receiver : policy_.receivers) {
    State& state = states_[receiver.title()];
    forget(state, candidates);
    if (state.under_way || now < state.not_before) continue;
    if (auto delivery = due_for(receiver, state, now, candidates)) {
      state.under_way = *delivery;
      out.push_back(*std::move(delivery));
    }
  }
  return out;
}

/// nullopt where the receiver is to hear nothing of this incident now.
std::optional<Notice> Notify::notice_for(const Receiver& receiver, const State& state, SharedTime now,
                                         const Candidate& candidate) const {
  const bool manager = receiver.kind == ReceiverKind::alertmanager;
  const Incident& incident = *candidate.incident;
  const auto known = state.told.find(incident.id);
  const bool told_open = known != state.told.end() && known->second.open;
  const bool is_owed = known != state.told.end() && known->second.owed;
  // Whoever heard that it began hears that it is over, whatever route or silence there is by then.
  if (!told_open && !is_owed && (!incident.open() || candidate.held || !wants(receiver, incident))) return std::nullopt;
  const bool quiet = candidate.held && incident.open();
  if (quiet && !(manager && told_open)) return std::nullopt;
  const std::uint64_t news = quiet ? known->second.news : news_of(incident);
  const bool again = known != state.told.end() && known->second.news == news;
  if (again && (!incident.open() || now - known->second.at < (manager ? refresh : policy_.repeat))) return std::nullopt;
  Notice notice{.incident = incident,
                .labels = quiet ? known->second.labels : labels_of(incident, mesh_.name),
                .replaces = {},
                .again = again,
                .news = news};
  if (told_open && known->second.labels != notice.labels) notice.replaces = known->second.labels;
  return notice;
}

std::optional<Delivery> Notify::due_for(const Receiver& receiver, State& state, SharedTime now,
                                        const std::vector<Candidate>& candidates) {
  Delivery delivery{
      .number = next_number_, .receiver = receiver, .key = {}, .mesh = mesh_.name, .notices = {}, .at = now};
  bool any_news = false;
  bool owed = false;
  std::string identity = receiver.title();
  for (const Candidate& candidate : candidates) {
    auto notice = notice_for(receiver, state, now, candidate);
    if (!notice) continue;
    const auto known = state.told.find(notice->incident.id);
    any_news = any_news || !notice->again;
    owed = owed || (known != state.told.end() && known->second.owed);
    if (delivery.notices.size() == most_notices) continue;
    identity += fmt::format("|{}:{:x}:{}", notice->incident.id, notice->news,
                            notice->again && known != state.told.end() ? to_ns(known->second.at) : 0);
    delivery.notices.push_back(*std::move(notice));
  }
  if (!any_news) state.news_since.reset();
  if (delivery.notices.empty()) return std::nullopt;
  if (any_news && !state.news_since) state.news_since = now;
  if (any_news && receiver.kind != ReceiverKind::alertmanager && !owed && now - *state.news_since < policy_.group_wait)
    return std::nullopt;
  for (const Notice& notice : delivery.notices) {
    Told& told = state.told[notice.incident.id];
    if (!told.owed) dirty_ = true;
    told.owed = true;
  }
  delivery.key = fmt::format("{:016x}", hash_of(identity));
  ++next_number_;
  return delivery;
}

void Notify::on_done(std::uint64_t number, const std::string& trouble, SharedTime now, Events& events) {
  for (auto& [title, state] : states_) {
    if (!state.under_way || state.under_way->number != number) continue;
    const Delivery delivery = *std::move(state.under_way);
    state.under_way.reset();
    dirty_ = true;
    Counters& counters = counters_[title];
    if (!trouble.empty()) {
      ++counters.failed;
      ++state.failures;
      counters.failures_in_a_row = state.failures;
      const nanoseconds wait = back_off(state.failures);
      state.not_before = now + wait;
      events.push_back({Severity::warning,
                        "notify_failed",
                        {{"receiver", title},
                         {"reason", trouble},
                         {"failures", std::to_string(state.failures)},
                         {"again_in", format_duration(wait)}}});
      return;
    }
    ++counters.delivered;
    if (state.failures > 0)
      events.push_back(
          {Severity::info, "notify_recovered", {{"receiver", title}, {"failures", std::to_string(state.failures)}}});
    state.failures = counters.failures_in_a_row = 0;
    state.news_since.reset();
    for (const Notice& notice : delivery.notices)
      state.told[notice.incident.id] = {
          .news = notice.news, .open = notice.incident.open(), .owed = false, .at = now, .labels = notice.labels};
    return;
  }
}

// A line for each receiver, "> TITLE", and below it one for each incident, its parts with tabs between:
// ID NEWS OPEN OWED AT LABEL=VALUE...
std::string Notify::save() const {
  std::string out;
  for (const auto& [title, state] : states_) {
    if (state.told.empty()) continue;
    out += fmt::format("> {}\n", title);
    for (const auto& [id, told] : state.told) {
      out += fmt::format("{}\t{}\t{}\t{}\t{}", id, told.news, told.open ? 1 : 0, told.owed ? 1 : 0, to_ns(told.at));
      for (const auto& [key, value] : told.labels) out += fmt::format("\t{}={}", key, value);
      out += '\n';
    }
  }
  return out;
}

void Notify::restore(std::string_view text) {
  State* state = nullptr;
  while (!text.empty()) {
    std::string_view line = take_part(text, '\n');
    if (line.starts_with("> ")) {
      state = &states_[std::string(line.substr(2))];
      continue;
    }
    const std::string id(take_part(line, '\t'));
    Told told;
    std::int64_t at = 0;
    int open = 0;
    int owed = 0;
    if (state == nullptr || !read(take_part(line, '\t'), told.news) || !read(take_part(line, '\t'), open) ||
        !read(take_part(line, '\t'), owed) || !read(take_part(line, '\t'), at))
      continue;
    while (!line.empty()) {
      std::string_view value = take_part(line, '\t');
      const std::string key(take_part(value, '='));
      told.labels.emplace(key, value);
    }
    told.open = open != 0;
    told.owed = owed != 0;
    told.at = shared_from_ns(at);
    state->told.emplace(id, std::move(told));
  }
}

}  // namespace sonde
