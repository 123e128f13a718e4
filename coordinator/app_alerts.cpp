#include "coordinator/app_alerts.h"

#include <stdexcept>
#include <string_view>
#include <utility>

namespace sonde {
namespace {

/// How often incidents are looked for; explaining a million links takes a while.
constexpr nanoseconds judge_small_every = std::chrono::seconds(1);
constexpr nanoseconds judge_large_every = std::chrono::seconds(10);
constexpr std::size_t large_mesh_sites = 300;
/// An hour's baseline is read so long before it begins, and then taken in parts, so that the loop goes on.
constexpr nanoseconds baseline_ahead = std::chrono::minutes(10);
constexpr std::size_t baseline_links_per_turn = 20'000;
/// Where the store keeps what receivers were told.
constexpr std::string_view told_key = "told";
/// Silences and acknowledgements.
constexpr std::string_view silences_key = "silences";
/// What sites have spent of their bytes; a crash loses what was counted since it was last written.
constexpr std::string_view spending_key = "spending";
constexpr nanoseconds spending_every = std::chrono::minutes(1);

std::string text_in(store::Writer& writer, std::string_view key) {
  const auto kept = writer.load(key);
  if (!kept) throw std::runtime_error(kept.error().what);
  return *kept ? std::string((*kept)->begin(), (*kept)->end()) : std::string();
}

bool keep(io::StoreWorker& store, std::string_view key, const std::string& text) {
  return store.save(std::string(key), std::vector<std::uint8_t>(text.begin(), text.end()));
}

}  // namespace

void AlertDesk::restore(store::Writer& writer, const CoordinatorConfig& config) {
  auto incidents = writer.incidents(Incidents::closed_kept);
  if (!incidents) throw std::runtime_error(incidents.error().what);
  notify_.restore(text_in(writer, told_key));
  silences_.restore(text_in(writer, silences_key));
  spending_.restore(text_in(writer, spending_key));
  set_config(config);
  incidents_.restore(*std::move(incidents));
  baseline_reader_.emplace(config.store);
}

void AlertDesk::set_config(const CoordinatorConfig& config) {
  incidents_.set_mesh(config.mesh, config.alerts);
  spending_.set_mesh(config.mesh, config.alerts);
  notify_.set_policy(config.notify, config.mesh);
  silences_.set_policy(config.maintenance, config.mesh);
  sites_.clear();
  for (const SiteSpec& site : config.mesh.sites)
    if (site.has_agent) sites_.push_back(site.site);
  judge_every_ = config.mesh.sites.size() > large_mesh_sites ? judge_large_every : judge_small_every;
}

Events AlertDesk::tick(Now now, const AgentStatuses& agents, io::StoreWorker& store, Matrix& matrix) {
  Events events;
  // The coordinator's own wall clock is shared time.
  const SharedTime present(now.wall.time_since_epoch());
  for (const io::DeliveryReport& report : notifier_.take())
    notify_.on_done(report.number, report.trouble, present, events);
  const Events kept = keep_silences(store);
  events.insert(events.end(), kept.begin(), kept.end());
  keep_baselines(present, events);
  if (now.mono - judged_at_ < judge_every_) return events;
  judged_at_ = now.mono;
  keep_spending(now, store);
  judge(present, agents, store, matrix, events);
  silences_.tick(present, incidents_);
  tell(present, store, events);
  return events;
}

void AlertDesk::keep_baselines(SharedTime now, Events& events) {
  if (!baseline_reader_) return;
  const SharedTime hour = baseline_hour(now);
  const bool soon = now - hour >= span_of(RollLevel::hour) - baseline_ahead;
  const SharedTime wanted = baseline_asked_ < hour || !soon ? hour : hour + span_of(RollLevel::hour);
  if (wanted > baseline_asked_ && baseline_reader_->order({wanted, sites_})) baseline_asked_ = wanted;
  for (io::BaselineReader::Piece& piece : baseline_reader_->take()) baselines_.push_back(std::move(piece));
  take_baselines(now, events);
}

void AlertDesk::take_baselines(SharedTime now, Events& events) {
  std::size_t taken = 0;
  while (taken < baseline_links_per_turn && !baselines_.empty() && baselines_.front().hour < now) {
    const io::BaselineReader::Piece piece = std::move(baselines_.front());
    baselines_.pop_front();
    for (const auto& [to, baseline] : piece.links) incidents_.set_baseline({piece.from, to}, piece.hour, baseline);
    taken += piece.links.size();
    baseline_links_ += piece.links.size();
    if (!piece.last) continue;
    const std::uint64_t links = std::exchange(baseline_links_, 0);
    if (!piece.trouble.empty())
      events.push_back({Severity::warning, "baseline_unread", {{"reason", piece.trouble}}});
    else if (links > 0)
      events.push_back(
          {Severity::info, "baseline_taken", {{"hour", format_rfc3339(piece.hour)}, {"links", std::to_string(links)}}});
  }
}

void AlertDesk::attach(const std::string& incident, PathEvidence evidence, SharedTime now, io::StoreWorker& store) {
  Incidents::Out out;
  incidents_.attach(incident, std::move(evidence), now, out);
  for (const Incident& changed : out.changed) unsaved_.insert(changed.id);
  save(store);
}

void AlertDesk::write_all(Now now, io::StoreWorker& store) {
  save(store);
  keep_told(store);
  keep_silences(store);
  write_spending(now, store);
}

void AlertDesk::keep_spending(Now now, io::StoreWorker& store) {
  const SharedTime present(now.wall.time_since_epoch());
  spending_.tick(present);
  incidents_.set_overdrafts(spending_.overdrafts(present));
  if (now.mono - spending_kept_at_ >= spending_every) write_spending(now, store);
}

void AlertDesk::write_spending(Now now, io::StoreWorker& store) {
  spending_kept_at_ = now.mono;
  std::string text = spending_.save();
  if (text != spending_kept_ && keep(store, spending_key, text)) spending_kept_ = std::move(text);
}

void AlertDesk::judge(SharedTime now, const AgentStatuses& agents, io::StoreWorker& store, Matrix& matrix,
                      Events& events) {
  Incidents::Out out;
  incidents_.tick(now, agents, out);
  for (const Incident& incident : out.changed) unsaved_.insert(incident.id);
  save(store);
  const std::uint64_t revision = incidents_.verdicts().revision();
  if (std::exchange(degraded_as_of_, revision) != revision) matrix.set_degraded(incidents_.verdicts().degraded());
  events.insert(events.end(), out.events.begin(), out.events.end());
}

void AlertDesk::tell(SharedTime now, io::StoreWorker& store, Events& events) {
  const auto held = [&](const Incident& incident) { return incident.open() && silences_.held(incident, now); };
  for (Delivery& delivery : notify_.tick(now, incidents_.list(), held)) {
    const std::uint64_t number = delivery.number;
    if (!notifier_.send(std::move(delivery))) notify_.on_done(number, "too many deliveries are under way", now, events);
  }
  keep_told(store);
}

void AlertDesk::keep_told(io::StoreWorker& store) {
  told_unsaved_ = notify_.take_dirty() || told_unsaved_;
  if (told_unsaved_) told_unsaved_ = !keep(store, told_key, notify_.save());
}

Events AlertDesk::keep_silences(io::StoreWorker& store) {
  silences_unsaved_ = silences_.take_dirty() || silences_unsaved_;
  if (silences_unsaved_) silences_unsaved_ = !keep(store, silences_key, silences_.save());
  return silences_.take_events();
}

/// What finds no place in the store's queue now waits for the next tick.
void AlertDesk::save(io::StoreWorker& store) {
  std::erase_if(unsaved_, [&](const std::string& id) {
    const Incident* incident = incidents_.find(id);
    return incident == nullptr || store.save(*incident);
  });
}

}  // namespace sonde
