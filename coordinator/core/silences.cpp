#include "coordinator/core/silences.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "shared/base/kept_text.h"

namespace sonde {
namespace {

constexpr nanoseconds one_day = std::chrono::hours(24);
constexpr std::array<std::string_view, 3> silence_state_names{"pending", "active", "expired"};

/// On one line, so that it can be kept and shown as such.
Expected<void> check_line(std::string_view what, std::string_view text, std::size_t least, std::size_t most) {
  if (text.size() < least) return fail(fmt::format("the {} is missing; say it in a few words", what));
  if (text.size() > most)
    return fail(fmt::format("the {} has {} octets; at most {} are kept", what, text.size(), most));
  if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }))
    return fail(fmt::format("the {} holds a control character; write it in one line", what));
  return {};
}

std::optional<SharedTime> instant(std::string_view text) {
  const auto ns = number_in<std::int64_t>(text);
  return ns ? std::optional(shared_from_ns(*ns)) : std::nullopt;
}

std::optional<Silence> silence_in(std::string_view line) {
  Silence out;
  out.id = take_part(line, '\t');
  const auto created = instant(take_part(line, '\t'));
  const auto starts = instant(take_part(line, '\t'));
  const auto ends = instant(take_part(line, '\t'));
  out.author = take_part(line, '\t');
  out.token = take_part(line, '\t');
  out.ended_by = take_part(line, '\t');
  out.reason = take_part(line, '\t');
  while (!line.empty()) {
    std::string_view value = take_part(line, '\t');
    const std::string_view key = take_part(value, '=');
    if (!add_match(out.match, key, value)) return std::nullopt;
  }
  if (out.id.empty() || !created || !starts || !ends || out.match.empty()) return std::nullopt;
  out.created_at = *created;
  out.starts_at = *starts;
  out.ends_at = *ends;
  return out;
}

std::optional<std::pair<std::string, Acknowledgement>> acknowledgement_in(std::string_view line) {
  std::string id(take_part(line, '\t'));
  Acknowledgement out;
  const auto at = instant(take_part(line, '\t'));
  const auto severity = alert_severity_named(take_part(line, '\t'));
  out.author = take_part(line, '\t');
  out.token = take_part(line, '\t');
  out.reason = line;
  if (id.empty() || !at || !severity) return std::nullopt;
  out.at = *at;
  out.severity = *severity;
  return std::pair(std::move(id), std::move(out));
}

}  // namespace

std::string_view name(SilenceState state) { return silence_state_names.at(static_cast<std::size_t>(state)); }

SilenceState Silence::state(SharedTime now) const {
  if (now >= ends_at) return SilenceState::expired;
  return now < starts_at ? SilenceState::pending : SilenceState::active;
}

std::optional<Stretch> occurrence(const MaintenanceWindow& window, SharedTime now) {
  const nanoseconds midnight = (now.time_since_epoch() / one_day) * one_day;
  // One that began yesterday may reach over midnight; a week ahead every day has come.
  for (int ahead = -1; ahead <= 7; ++ahead) {
    const SharedTime starts(midnight + ahead * one_day + window.from);
    const auto on = std::chrono::floor<std::chrono::days>(
        std::chrono::sys_time<std::chrono::nanoseconds>(midnight + ahead * one_day));
    const unsigned weekday = std::chrono::weekday(on).iso_encoding() - 1;
    if (((static_cast<unsigned>(window.days) >> weekday) & 1U) == 0) continue;
    if (window.until && starts >= *window.until) return std::nullopt;
    const SharedTime ends = std::min(starts + window.length, window.until.value_or(SharedTime::max()));
    if (now < ends) return Stretch{starts, ends};
  }
  return std::nullopt;
}

void Silences::set_policy(std::vector<MaintenanceWindow> windows, const Mesh& mesh) {
  if (windows_ != windows) ++revision_;
  windows_ = std::move(windows);
  mesh_ = mesh;
}

void Silences::changed() {
  dirty_ = true;
  ++revision_;
}

bool Silences::take_dirty() { return std::exchange(dirty_, false); }

std::string Silences::fresh_id(SharedTime now) const {
  for (std::int64_t id = to_ns(now) / 1'000'000;; ++id) {
    std::string text = std::to_string(id);
    if (find(text) == nullptr) return text;
  }
}

Expected<Silence> Silences::add(SharedTime now, const Wanted& wanted) {
  if (wanted.match.empty())
    return fail(fmt::format("no matcher is given; name one of {}, for everything the mesh ('{}')",
                            fmt::join(match_keys, ", "), mesh_.name));
  if (auto fine = check_match(wanted.match, mesh_); !fine) return std::unexpected(fine.error());
  if (auto fine = check_line("reason", wanted.reason, 1, longest_reason); !fine) return std::unexpected(fine.error());
  if (auto fine = check_line("author", wanted.author, 0, longest_author); !fine) return std::unexpected(fine.error());
  const SharedTime starts = std::max(wanted.starts_at.value_or(now), now);
  if (wanted.ends_at <= starts) return fail("it would end before it begins; give an end that is still to come");
  if (wanted.ends_at - now > longest) return fail("it would end in more than 366 days; give an earlier end");
  if (silences_.size() - count(SilenceState::expired, now) >= most)
    return fail(fmt::format("there are {} silences already; end some of them", most));
  Silence silence{.id = fresh_id(now),
                  .match = wanted.match,
                  .author = wanted.author.empty() ? wanted.token : wanted.author,
                  .token = wanted.token,
                  .reason = wanted.reason,
                  .created_at = now,
                  .starts_at = starts,
                  .ends_at = wanted.ends_at,
                  .ended_by = {}};
  events_.push_back({Severity::info,
                     "silence_added",
                     {{"id", silence.id},
                      {"author", silence.author},
                      {"token", silence.token},
                      {"until", format_rfc3339(silence.ends_at)},
                      {"reason", silence.reason}}});
  silences_.push_back(silence);
  changed();
  return silence;
}

const Silence* Silences::find(std::string_view id) const {
  const auto found = std::ranges::find(silences_, id, &Silence::id);
  return found == silences_.end() ? nullptr : &*found;
}

const Silence* Silences::end(std::string_view id, const std::string& token, SharedTime now) {
  const auto found = std::ranges::find(silences_, id, &Silence::id);
  if (found == silences_.end()) return nullptr;
  if (found->state(now) == SilenceState::expired) return &*found;
  found->starts_at = std::min(found->starts_at, now);
  found->ends_at = now;
  found->ended_by = token;
  events_.push_back({Severity::info, "silence_ended", {{"id", found->id}, {"token", token}}});
  changed();
  return &*found;
}

Expected<void> Silences::acknowledge(const Incident& incident, Acknowledgement by) {
  if (!incident.open()) return fail("the incident is over; there is nothing to acknowledge");
  if (auto fine = check_line("reason", by.reason, 0, longest_reason); !fine) return fine;
  if (auto fine = check_line("author", by.author, 0, longest_author); !fine) return fine;
  if (by.author.empty()) by.author = by.token;
  by.severity = incident.severity;
  events_.push_back({Severity::info,
                     "incident_acknowledged",
                     {{"id", incident.id}, {"author", by.author}, {"token", by.token}, {"reason", by.reason}}});
  acknowledged_.insert_or_assign(incident.id, std::move(by));
  changed();
  return {};
}

bool Silences::withdraw(std::string_view incident, const std::string& token) {
  const auto found = acknowledged_.find(incident);
  if (found == acknowledged_.end()) return false;
  events_.push_back({Severity::info, "acknowledgement_withdrawn", {{"id", found->first}, {"token", token}}});
  acknowledged_.erase(found);
  changed();
  return true;
}

void Silences::tick(SharedTime now, const Incidents& incidents) {
  const std::size_t before = silences_.size() + acknowledged_.size();
  std::erase_if(silences_, [&](const Silence& one) { return one.ends_at <= now - kept; });
  for (std::size_t ended = count(SilenceState::expired, now); ended > most_ended; --ended)
    silences_.erase(
        std::ranges::find(silences_, SilenceState::expired, [&](const Silence& one) { return one.state(now); }));
  std::erase_if(acknowledged_, [&](const auto& entry) { return incidents.find(entry.first) == nullptr; });
  if (silences_.size() + acknowledged_.size() != before) changed();
  std::string active;
  for (const Silence& one : silences_)
    if (one.state(now) == SilenceState::active) active += one.id + "\n";
  for (const MaintenanceWindow& window : windows_) {
    const auto at = occurrence(window, now);
    active += at && at->contains(now) ? "+" : "-";
  }
  if (std::exchange(active_, active) != active) ++revision_;
}

Silences::Hold Silences::hold_of(const Incident& incident, SharedTime now) const {
  Hold hold;
  for (const Silence& one : silences_)
    if (one.state(now) == SilenceState::active && matches(one.match, incident, mesh_)) hold.silences.push_back(&one);
  for (const MaintenanceWindow& window : windows_)
    if (const auto at = occurrence(window, now); at && at->contains(now) && matches(window.match, incident, mesh_))
      hold.windows.emplace_back(&window, at->ends_at);
  const auto by = acknowledged_.find(incident.id);
  if (by != acknowledged_.end()) hold.acknowledged = &by->second;
  hold.held = !hold.silences.empty() || !hold.windows.empty() ||
              (hold.acknowledged != nullptr && incident.severity <= hold.acknowledged->severity);
  return hold;
}

std::size_t Silences::count(SilenceState state, SharedTime now) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(silences_, [&](const Silence& one) { return one.state(now) == state; }));
}

// A line for each, its parts with tabs between; no part holds a control character.
std::string Silences::save() const {
  std::string out;
  for (const Silence& one : silences_) {
    out += fmt::format("silence\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}", one.id, to_ns(one.created_at), to_ns(one.starts_at),
                       to_ns(one.ends_at), one.author, one.token, one.ended_by, one.reason);
    for (const auto& [key, value] : words_of(one.match)) out += fmt::format("\t{}={}", key, value);
    out += '\n';
  }
  for (const auto& [id, by] : acknowledged_)
    out += fmt::format("acknowledged\t{}\t{}\t{}\t{}\t{}\t{}\n", id, to_ns(by.at), name(by.severity), by.author,
                       by.token, by.reason);
  return out;
}

void Silences::restore(std::string_view text) {
  while (!text.empty()) {
    std::string_view line = take_part(text, '\n');
    const std::string_view what = take_part(line, '\t');
    if (what == "silence") {
      if (auto silence = silence_in(line)) silences_.push_back(*std::move(silence));
    } else if (what == "acknowledged") {
      if (auto by = acknowledgement_in(line)) acknowledged_.insert(*std::move(by));
    }
  }
  if (!silences_.empty() || !acknowledged_.empty()) ++revision_;
}

}  // namespace sonde
