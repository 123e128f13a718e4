// Every limit on sizes, queues and tables, by name. Going over one is a defined and counted event.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sonde::limits {

inline constexpr std::size_t site_name_length = 63;
inline constexpr std::size_t sites = 2000;
inline constexpr std::size_t addresses_per_site = 8;
inline constexpr std::size_t groups_per_site = 32;
inline constexpr std::size_t streams_per_run = 64;
inline constexpr std::size_t iterations_per_run = 100;
/// Each of them has figures of its own in the result.
inline constexpr std::size_t stream_iterations_per_run = 256;

/// One ZeroMQ message; libzmq closes the connection of a peer that announces more (ZMQ_MAXMSGSIZE).
inline constexpr std::size_t message_bytes = 4U << 20;
inline constexpr std::size_t results_per_message = 500;
inline constexpr std::size_t values_per_result = 64;
/// Of a throughput run: five for each stream of each iteration, six for each iteration, and those of the run.
inline constexpr std::size_t details_per_result =
    5 * stream_iterations_per_run + 6 * iterations_per_run + values_per_result;
inline constexpr std::size_t distributions_per_result = 16;
inline constexpr std::size_t buckets_per_distribution = 4096;
/// A message holds only a site's part; the coordinator stores a whole timetable of 2,000 sites.
inline constexpr std::size_t slots_per_timetable = 4'000'000;
inline constexpr std::size_t quiet_hours_per_site = 16;
inline constexpr std::size_t quiet_hours_per_mesh = sites * quiet_hours_per_site;
/// Each probe on each link that begins or ends at one site.
inline constexpr std::size_t links_per_situation = 6 * sites;
inline constexpr std::size_t text_bytes = 1024;

/// In one message, each about the probes of one result.
inline constexpr std::size_t arrival_questions = 500;

/// Of a path trace: TTLs that are tried, and counters of an interface.
inline constexpr std::size_t hops_per_trace = 32;
inline constexpr std::size_t counters_per_trace = 32;

/// Results that an agent has sent and nobody has acknowledged; it sends no more until some are.
inline constexpr std::size_t results_in_flight = 2000;

}  // namespace sonde::limits
