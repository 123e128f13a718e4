// What the agent's configuration and the mesh's policy make of its latency probes together.
#pragma once

#include "agent/core/prober.h"
#include "agent/setup.h"

namespace sonde {

/// What this site shares with each other one: with agents what follows from both sides' own keys, so that none has to
/// be made, given out or kept; with those that have none what the configuration names.
PairKeys shared_stamp_keys(const Timetable& timetable, const AgentSetup& setup);

/// How its probes leave, as the configuration has it.
LatencyOptions latency_options(const AgentConfig& config);

/// The plan with what only the configuration knows: whom the reflector answers, and with which keys. Asks the kernel
/// for its clock's error.
LatencyPlan latency_plan_of(const Prober& prober, const AddressBook& book, const AgentSetup& setup,
                            const PairKeys& keys);

/// Sites whose probes should be authenticated and for which there is no key; they get open ones.
Events missing_stamp_keys(const Prober& prober, const AgentSetup& setup, const PairKeys& keys);

}  // namespace sonde
