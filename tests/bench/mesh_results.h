// Results as agents of a mesh at the default policy make them, for measuring the store: for each link a base delay, a
// spread of its own and rare spikes; every latency result carries the distributions, ratios and details of a real one.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "shared/base/random.h"
#include "shared/measure/result.h"

namespace sonde::bench {

class MeshResults {
 public:
  explicit MeshResults(std::size_t sites, std::uint64_t seed = 1) : random_(seed) {
    for (std::size_t i = 0; i < sites; ++i) sites_.push_back(SiteId::known("site-" + std::to_string(i)));
    for (std::size_t i = 0; i < sites * sites; ++i)
      links_.push_back({3e6 + 40e6 * random_.unit(), 2e4 * std::exp(3 * random_.unit()), random_.below(65536)});
  }
  std::size_t size() const { return sites_.size(); }
  const SiteId& site(std::size_t i) const { return sites_[i]; }

  Result latency(std::size_t from, std::size_t to, std::uint64_t seq, SharedTime scheduled, std::uint32_t round) {
    const LinkModel& link = links_[from * size() + to];
    Result r = blank(from, to, seq, scheduled, round, Probe::latency);
    r.finished_at = scheduled + std::chrono::seconds(12) + noise(2e6);
    r.set(Tag::unsynced);
    Distribution rtt, rtt_host, queue, rise, pdv;
    std::vector<std::int64_t> forward;
    std::int64_t least = 1LL << 60;
    for (int i = 0; i < 50; ++i) {
      const double spike = random_.below(50) == 0 ? 20 * link.spread : 0;
      const auto there = static_cast<std::int64_t>(link.base + tail() * link.spread + spike);
      const auto back = static_cast<std::int64_t>(link.base + tail() * link.spread);
      const auto own = static_cast<std::int64_t>(3000 + 2000 * tail());
      rtt.add(there + back);
      rtt_host.add(there + back + own);
      queue.add(own);
      forward.push_back(there);
      least = std::min(least, there);
    }
    const auto floor = static_cast<std::int64_t>(link.base * 0.9999);
    for (const std::int64_t there : forward) {
      rise.add(there - floor);
      pdv.add(there - least);
    }
    r.distributions = {{Metric::rtt, rtt},
                       {Metric::rtt_host, rtt_host},
                       {Metric::host_queue, queue},
                       {Metric::delay_rise, rise},
                       {Metric::pdv, pdv}};
    r.values = {{Metric::jitter, std::round(link.spread * (1 + 0.1 * random_.unit())) / 1e9}};
    const std::uint64_t lost = random_.below(100) == 0 ? 1 : 0;
    r.ratios = {{Metric::loss_rtt, lost, 50},
                {Metric::loss, lost, 50},
                {Metric::reorder, 0, 50 - lost},
                {Metric::duplicate, 0, 50 - lost}};
    r.details = {{"unattributed", 0}, {"reverse_lost", 0}, {"reverse_tries", 50.0 - static_cast<double>(lost)}};
    for (const char* name :
         {"sent", "received", "late", "missed", "lost_here", "duplicate_replies", "lost_stamps", "rejected"})
      r.details.push_back({name, std::string_view(name) == "sent"       ? 50.0
                                 : std::string_view(name) == "received" ? 50.0 - static_cast<double>(lost)
                                                                        : 0.0});
    r.details.push_back({"ssid", static_cast<double>(link.ssid)});
    r.details.push_back({"ttl", 57});
    return r;
  }

  Result connect(std::size_t from, std::size_t to, std::uint64_t seq, SharedTime scheduled, std::uint32_t round) {
    const LinkModel& link = links_[from * size() + to];
    Result r = blank(from, to, seq, scheduled, round, Probe::connect);
    const double rtt = 2 * link.base + 2 * tail() * link.spread;
    r.finished_at = *r.started_at + nanoseconds(std::llround(rtt + 100'000));
    const double seen = std::round(rtt + 60'000 + 20'000 * tail()) / 1e9;
    r.values = {
        {Metric::connect, seen}, {Metric::connect_clean, seen}, {Metric::handshake_rtt, std::round(rtt / 1000) / 1e6}};
    r.ratios = {{Metric::connectivity, 1, 1}};
    r.details = {{"syn_retransmits", 0}};
    return r;
  }

 private:
  struct LinkModel {
    double base = 0;  ///< one way, ns
    double spread = 0;
    std::uint64_t ssid = 0;
  };
  double tail() { return -std::log(1 - random_.unit()); }
  nanoseconds noise(double most) { return nanoseconds(std::llround(most * random_.unit())); }
  Result blank(std::size_t from, std::size_t to, std::uint64_t seq, SharedTime scheduled, std::uint32_t round,
               Probe probe) {
    Result r;
    r.id = {sites_[from], 0x1234'5678'9ABC'DEF0 + from, seq};
    r.to = sites_[to];
    r.probe = probe;
    r.generation = {1'795'219'200'000};
    r.round = {round};
    r.scheduled_at = scheduled;
    r.started_at = scheduled + noise(2e5);
    return r;
  }

  Random random_;
  std::vector<SiteId> sites_;
  std::vector<LinkModel> links_;
};

}  // namespace sonde::bench
