#include "coordinator/core/ingest.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace sonde {
namespace {

/// 0 is no number yet, and the store counts in signed 64 bits.
bool is_number(std::uint64_t seq) { return seq > 0 && seq <= std::numeric_limits<std::int64_t>::max(); }

/// nullptr where the times can be true.
const char* what_is_wrong_with_times(const Result& result, SharedTime now) {
  if (result.finished_at > now + Ingest::max_ahead) return "finished_at lies in the future";
  if (result.finished_at < now - Ingest::max_age) return "finished_at lies too far in the past";
  if (result.started_at && result.finished_at < *result.started_at) return "it ended before it started";
  if (!result.started_at && was_tried(result.outcome)) return "it was tried but has no start";
  return nullptr;
}

Event warning(std::string_view code, const SiteId& site, std::string what) {
  return {Severity::warning, code, {{"site", site.str()}, {"what", std::move(what)}}};
}

}  // namespace

void Ingest::set_mesh(const Mesh& mesh) {
  members_.clear();
  for (const SiteSpec& spec : mesh.sites) members_.insert(spec.site);
}

void Ingest::restore(const std::vector<SpoolPosition>& positions) {
  for (const SpoolPosition& position : positions) on_stored(position.site, position.spool, position.last_seq);
}

Ingest::Spool& Ingest::spool_of(Site& site, std::uint64_t spool) {
  if (!site.spools.contains(spool) && site.spools.size() >= spools_per_site) {
    const auto oldest = std::ranges::min_element(site.spools, {}, [](const auto& entry) { return entry.second.used; });
    site.spools.erase(oldest);
  }
  Spool& found = site.spools[spool];
  found.used = ++uses_;
  return found;
}

void Ingest::on_hello(const SiteId& id, std::uint64_t spool, std::uint64_t last_seq, Events& out) {
  Site& site = sites_[id];
  site.owes_hello = false;
  if (spool == 0) return;
  const auto known = site.spools.find(spool);
  if (known == site.spools.end()) return;
  if (last_seq < known->second.stored)
    out.push_back(
        warning("spool_rolled_back", id,
                fmt::format("the agent's spool has counted to {}, but {} is stored", last_seq, known->second.stored)));
  // What is on its way may arrive again; the store drops what it has.
  known->second.accepted = known->second.stored;
}

bool Ingest::is_acceptable(const SiteId& site, std::uint64_t spool, const Result& result, SharedTime now, Events& out) {
  if (result.id.from != site) {
    ++counters_.forged;
    out.push_back(warning("result_forged", site, fmt::format("it sent {}", result.id.str())));
    return false;
  }
  const char* wrong = what_is_wrong_with_times(result, now);
  if (!is_number(result.id.seq)) wrong = "it has no possible number";
  if (result.id.spool != spool) wrong = "it is of another spool than the rest of its message";
  if (wrong != nullptr) {
    ++counters_.implausible;
    out.push_back(warning("result_implausible", site, fmt::format("{}: {}", result.id.str(), wrong)));
    return false;
  }
  if (!members_.contains(result.to) || result.to == site) {
    ++counters_.unknown_to;
    return false;
  }
  return true;
}

void Ingest::note_jump(const SiteId& id, Site& site, Spool& spool, const Result& first, Events& out) {
  const bool new_spool = spool.accepted == 0;
  const std::uint64_t before = new_spool ? site.highest_accepted : spool.accepted;
  if (new_spool && first.id.seq <= before)
    out.push_back(warning("spool_restarted", id,
                          fmt::format("a new spool begins at {} although {} is stored", first.id.seq, before)));
  if (before == 0 || first.id.seq <= before + 1) return;
  counters_.missing += first.id.seq - before - 1;
  out.push_back(warning("results_missing", id, fmt::format("{} to {}", before + 1, first.id.seq - 1)));
}

Intake Ingest::accept(const SiteId& id, wire::ResultBatch batch, SharedTime now, Events& out) {
  if (batch.results.empty()) return {};
  Site& site = sites_[id];
  if (site.owes_hello) {
    counters_.out_of_turn += batch.results.size();
    return {};
  }
  const std::uint64_t spool_number = batch.results.front().id.spool;
  std::ranges::stable_sort(batch.results, {}, [](const Result& result) { return result.id.seq; });
  Spool& spool = spool_of(site, spool_number);

  const std::uint64_t before = spool.accepted;
  StoreBatch fresh{.site = id, .spool = spool_number, .after = before, .up_to = before, .results = {}};
  for (Result& result : batch.results) {
    const bool countable = result.id.from == id && result.id.spool == spool_number && is_number(result.id.seq);
    if (countable && result.id.seq <= fresh.up_to) {
      ++counters_.duplicates;
      continue;
    }
    if (countable) {
      note_jump(id, site, spool, result, out);
      fresh.up_to = spool.accepted = result.id.seq;
      site.highest_accepted = std::max(site.highest_accepted, result.id.seq);
    }
    if (is_acceptable(id, spool_number, result, now, out)) fresh.results.push_back(std::move(result));
  }
  counters_.accepted += fresh.results.size();
  if (fresh.up_to > before) return {.store = std::move(fresh), .acknowledge = {}};
  if (spool.stored == 0 || spool.stored < spool.accepted) return {};
  return {.store = {}, .acknowledge = wire::Acknowledge{.spool = spool_number, .seq = spool.stored}};
}

wire::Acknowledge Ingest::on_stored(const SiteId& id, std::uint64_t spool_number, std::uint64_t up_to) {
  Site& site = sites_[id];
  Spool& spool = spool_of(site, spool_number);
  spool.stored = std::max(spool.stored, up_to);
  spool.accepted = std::max(spool.accepted, up_to);
  site.highest_stored = std::max(site.highest_stored, up_to);
  site.highest_accepted = std::max(site.highest_accepted, up_to);
  return {.spool = spool_number, .seq = spool.stored};
}

void Ingest::on_refused(const SiteId& id, Events& out) {
  Site& site = sites_[id];
  ++counters_.refused_batches;
  if (!std::exchange(site.owes_hello, true))
    out.push_back(warning("results_refused", id, "the store could not take them; the agent will send them again"));
  for (auto& [number, spool] : site.spools) spool.accepted = spool.stored;
  site.highest_accepted = site.highest_stored;
}

std::uint64_t Ingest::stored_seq(const SiteId& id) const {
  const auto found = sites_.find(id);
  return found == sites_.end() ? 0 : found->second.highest_stored;
}

}  // namespace sonde
