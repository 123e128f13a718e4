#include "coordinator/core/spending.h"

#include <fmt/format.h>

#include <cmath>

#include "coordinator/core/probe_cost.h"
#include "shared/base/kept_text.h"

namespace sonde {
namespace {

std::int64_t day_of(SharedTime at) { return std::chrono::floor<std::chrono::days>(at).time_since_epoch().count(); }

}  // namespace

double octets_spent(const Result& result, double packet) {
  if (!was_tried(result.outcome)) return 0;
  switch (result.probe) {
    case Probe::latency: {
      const RatioValue* lost = result.ratio_of(Metric::loss_rtt);
      if (lost == nullptr) return 0;
      const std::uint64_t packets = 2 * lost->tries - lost->hits;  // each with its reply, but for those that had none
      return static_cast<double>(packets) * packet;
    }
    case Probe::connect: return connect_run_octets;
    case Probe::throughput:
    case Probe::duplex: return transfer_octets(result.detail("bytes").value_or(0));  // of its own half
  }
  return 0;
}

void Spending::set_mesh(const Mesh& mesh, const AlertPolicy& policy) {
  sites_ = mesh.sites;
  packets_.clear();
  places_.clear();
  for (const SiteSpec& site : sites_) {
    places_.emplace(site.site, packets_.size());
    packets_.push_back(latency_packet_octets(site));
  }
  rule_ = policy.budget;
  on_ = policy.on && rule_.on;
}

void Spending::add(const Result& result, SharedTime now) {
  const auto from = places_.find(result.id.from);
  const auto to = places_.find(result.to);
  const std::int64_t today = day_of(now);
  const std::int64_t day = day_of(result.finished_at);
  if (from == places_.end() || to == places_.end() || day <= today - days || day > today + 1) return;
  const double octets = octets_spent(result, packets_[to->second]);
  if (octets <= 0) return;
  for (const SiteId* id : {&result.id.from, &result.to}) {
    Account& account = accounts_[*id];
    account.days[day] += octets;
    while (account.days.begin()->first <= today - days) account.days.erase(account.days.begin());
  }
}

double Spending::spent(const SiteId& site, SharedTime now) const {
  const auto account = accounts_.find(site);
  if (account == accounts_.end()) return 0;
  double sum = 0;
  for (const auto& [day, octets] : account->second.days)
    if (day > day_of(now) - days) sum += octets;
  return sum;
}

std::optional<double> Spending::budget(const SiteId& id) const {
  const auto place = places_.find(id);
  if (place == places_.end()) return std::nullopt;
  const auto& bytes = sites_[place->second].bytes_per_month;
  return bytes ? std::optional(static_cast<double>(bytes->count)) : std::nullopt;
}

void Spending::tick(SharedTime now) {
  std::erase_if(accounts_, [&](const auto& entry) { return spent(entry.first, now) <= 0; });
  for (auto& [id, account] : accounts_) {
    const auto most = budget(id);
    const double share = most && on_ ? spent(id, now) / *most : 0;
    if (!most || !on_ || share < (account.reached ? rule_.clear : rule_.raise)) {
      account.reached.reset();
      account.raised.reset();
      continue;
    }
    if (!account.reached) account.reached = now;
    if (now - *account.reached >= rule_.hold) account.raised = account.reached;
  }
}

std::vector<Overdraft> Spending::overdrafts(SharedTime now) const {
  std::vector<Overdraft> out;
  for (const SiteSpec& spec : sites_) {
    const auto account = accounts_.find(spec.site);
    if (account == accounts_.end() || !account->second.raised) continue;
    out.push_back({.site = spec.site,
                   .spent = spent(spec.site, now),
                   .budget = budget(spec.site).value_or(0),
                   .since = *account->second.raised});
  }
  return out;
}

std::string Spending::save() const {
  std::string out;
  for (const auto& [site, account] : accounts_) {
    for (const auto& [day, octets] : account.days) out += fmt::format("day\t{}\t{}\t{:.0f}\n", site.str(), day, octets);
    if (account.reached) out += fmt::format("reached\t{}\t{}\n", site.str(), to_ns(*account.reached));
  }
  return out;
}

void Spending::restore(std::string_view text) {
  while (!text.empty()) {
    std::string_view line = take_part(text, '\n');
    const std::string_view what = take_part(line, '\t');
    const auto site = SiteId::parse(take_part(line, '\t'));
    const auto number = number_in<std::int64_t>(take_part(line, '\t'));
    if (!site || !number) continue;
    if (what == "reached") {
      accounts_[*site].reached = shared_from_ns(*number);
    } else if (const auto octets = number_in<double>(line); what == "day" && octets && std::isfinite(*octets)) {
      accounts_[*site].days[*number] += std::max(0.0, *octets);
    }
  }
}

}  // namespace sonde
