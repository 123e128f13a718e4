#include "tests/bench/stamp_ends.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

#include "agent/io/latency_path.h"
#include "shared/io/clock.h"
#include "shared/measure/latency_sample.h"

namespace sonde::bench {
namespace {

using namespace std::chrono_literals;

LatencyPlan plan_of(const SendOrder& order) {
  const SharedTime now(io::read_clock().wall.time_since_epoch());
  LatencyPlan plan;
  plan.generation = {1};
  plan.self = SiteId::known("here");
  plan.effective_at = now;
  plan.epoch = now - order.every;  // every stream is in the middle of an interval, as in an agent that runs for long
  for (const Endpoint& to : order.to) {
    LatencyStreamPlan stream;
    stream.to = SiteId::known(fmt::format("there-{}", plan.streams.size()));
    stream.addresses = {to};
    stream.rate = {order.rate};
    stream.every = order.every;
    stream.timeout = 250ms;
    // As a coordinator spreads them: results are not all due at once.
    stream.phase =
        order.every * static_cast<std::int64_t>(plan.streams.size()) / static_cast<std::int64_t>(order.to.size());
    stream.shares_clock = true;
    stream.format = wire::ProbeFormat::agents();
    plan.streams.push_back(std::move(stream));
  }
  return plan;
}

void write_samples(const std::string& file, const std::vector<SentProbe>& probes) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> out(std::fopen(file.c_str(), "we"), &std::fclose);
  if (!out) throw std::system_error(errno, std::generic_category(), "writing " + file);
  const auto ns = [](const auto& time) { return time ? to_ns(*time) : 0; };
  for (const SentProbe& probe : probes) {
    const auto sample = make_sample(probe.stamps);
    if (!probe.answered_in_time() || !sample) continue;
    const ProbeStamps& stamps = probe.stamps;
    fmt::print(out.get(), "{},{},{},{},{},{},{},{},{:d}\n", probe.sequence, ns(stamps.user_sent), ns(stamps.scheduled),
               ns(stamps.sent), ns(stamps.received), sample->rtt.count(), sample->rtt_host.value_or(0ns).count(),
               sample->host_queue.value_or(0ns).count(), stamps.reflector_out_by_kernel);
  }
}

/// Takes results as an agent's main loop does, and drops them.
void take_results(io::LatencyPath& path, MonoTime end, const std::atomic<bool>& stop) {
  while (!stop) {
    const nanoseconds left = end - io::read_clock().mono;
    if (left <= 0ns) return;
    pollfd source{path.results_fd(), POLLIN, 0};
    ::poll(&source, 1, static_cast<int>(left / 1ms) + 1);
    path.take_results();
    path.take_events();
  }
}

}  // namespace

void reflect(const Endpoint& listen, const std::vector<IpAddress>& senders, const std::atomic<bool>& stop) {
  io::LatencyPath path(listen, 1);
  LatencyPlan plan;
  plan.members = senders;
  path.configure(plan);
  fmt::print("{}\n", path.local().str());
  std::fflush(stdout);
  while (!stop) ::poll(nullptr, 0, 1000);
}

bool send(const SendOrder& order, const std::atomic<bool>& stop) {
  const bool keep = !order.samples.empty();
  io::LatencyPath path({order.from, 0}, 2026, keep ? io::LatencyPath::Probes::keep : io::LatencyPath::Probes::forget);
  path.configure(plan_of(order));
  path.set_clock({.offset = 0ns, .error = 0ns, .known = true});
  const MonoTime began = io::read_clock().mono;
  if (keep) {
    take_results(path, began + order.lasting + 2 * order.every + 300ms, stop);  // until the last interval is closed
    write_samples(order.samples, path.take_probes());
  } else {
    take_results(path, began + order.lasting, stop);
  }
  const io::LatencyStats stats = path.stats();
  fmt::print(
      "probes {} replies {} missed {} lost_here {} socket_drops {} send_stamps {} real_time {} lateness_p99_ns {}\n",
      stats.sender.sent, stats.sender.replies, stats.sender.missed, stats.sender.lost_here, stats.socket_drops,
      stats.send_stamps, stats.real_time, stats.lateness.p99.count());
  return stats.sender.replies > 0;
}

}  // namespace sonde::bench
