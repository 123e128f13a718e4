#include "agent/app_latency.h"

#include <string_view>

#include "shared/io/clock.h"

namespace sonde {
namespace {

constexpr std::string_view stamp_key_purpose = "sonde STAMP 1";

}  // namespace

PairKeys shared_stamp_keys(const Timetable& timetable, const AgentSetup& setup) {
  PairKeys keys;
  for (const Member& member : timetable.members) {
    if (member.site == setup.config.site) continue;
    if (!member.has_agent) {
      const auto given = setup.reflector_keys.find(member.site);
      if (given != setup.reflector_keys.end()) keys.insert(*given);
    } else if (const auto key = io::pair_key(setup.keys.secret_key, member.public_key, stamp_key_purpose)) {
      keys.emplace(member.site, *key);
    }
  }
  return keys;
}

LatencyOptions latency_options(const AgentConfig& config) {
  return {config.latency_dscp, config.latency_authenticated, config.latency_timestamp_information,
          config.latency_direct_measurement};
}

LatencyPlan latency_plan_of(const Prober& prober, const AddressBook& book, const AgentSetup& setup,
                            const PairKeys& keys) {
  const AgentConfig& own = setup.config;
  const auto error = own.clock_error ? own.clock_error : io::kernel_clock_error();
  LatencyPlan plan = prober.latency_plan(book, error, latency_options(own), keys);
  for (const AllowedOutsider& outsider : own.allow) plan.allowed.push_back(outsider.range);
  plan.outsider_keys = setup.outsider_keys;
  return plan;
}

Events missing_stamp_keys(const Prober& prober, const AgentSetup& setup, const PairKeys& keys) {
  Events events;
  for (const SiteId& site : prober.without_key(latency_options(setup.config), keys))
    events.push_back({Severity::warning, "latency_key_missing", {{"to", site.str()}}});
  return events;
}

}  // namespace sonde
