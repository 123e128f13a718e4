#include "agent/io/latency_path.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <variant>

#include "agent/core/reply_moderation.h"
#include "agent/io/clock_watch.h"
#include "agent/io/udp_socket.h"
#include "shared/io/clock.h"
#include "shared/io/mailbox.h"
#include "shared/measure/distribution.h"

namespace sonde::io {
namespace {

struct Stop {};
struct Load {
  std::optional<SiteLoad> load;
};
struct Ask {
  std::vector<ArrivalQuery> queries;
};
using Command = std::variant<LatencyPlan, LatencyBurst, ClockMap, Load, OwnLoad, Ask, Stop>;

constexpr nanoseconds publish_every = std::chrono::seconds(1);
/// What came back waits in the kernel no longer than this while probes leave, or until so many have left: each brings
/// two stamps, and a call reads a batch of them.
constexpr nanoseconds read_every = std::chrono::milliseconds(20);
constexpr std::size_t most_unread = UdpSocket::batch / 2 - 1;
constexpr nanoseconds window_half = std::chrono::seconds(30);

/// Both clocks as of one instant: read again where something came in between, or it would look like a clock step.
Now read_both_clocks() {
  constexpr nanoseconds near = std::chrono::microseconds(50);
  Now first = read_clock();
  for (int attempt = 0; attempt < 4; ++attempt) {
    const Now second = read_clock();
    if (second.mono - first.mono < near) return first;
    first = second;
  }
  return first;
}

/// When a packet with this stamp came, by the clock that timeouts are judged with. Across a clock step it is the
/// present.
MonoTime arrived_at(WallTime stamp, const Now& now) {
  const nanoseconds ago = now.wall - stamp;
  const bool plausible = ago >= nanoseconds(0) && ago <= 2 * publish_every;
  return plausible ? now.mono - ago : now.mono;
}

/// A distribution of the last half to whole minute.
class RecentSpread {
 public:
  void add(nanoseconds value) { current_.add(std::max(nanoseconds(0), value).count()); }
  void rotate(MonoTime now) {
    if (now - began_ < window_half) return;
    began_ = now;
    previous_ = std::exchange(current_, Distribution{});
  }
  Spread spread() const {
    Distribution both = previous_;
    both.merge(current_);
    const auto at = [&](double q) { return nanoseconds(static_cast<std::int64_t>(both.quantile(q).value_or(0.0))); };
    return {at(0.5), at(0.99), nanoseconds(both.max())};
  }

 private:
  MonoTime began_;
  Distribution current_;
  Distribution previous_;
};

/// Wakes on time even on a busy host; without the privilege the thread stays what it is. True with real-time priority.
bool raise_priority() {
  ::prctl(PR_SET_NAME, "sonde-latency");
  ::prctl(PR_SET_TIMERSLACK, 1UL);
  sched_param parameter{};
  parameter.sched_priority = sched_get_priority_min(SCHED_FIFO) + 9;
  if (::pthread_setschedparam(::pthread_self(), SCHED_FIFO, &parameter) == 0) return true;
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), -10);
  return false;
}

bool own_shortage(int error) { return error == ENOBUFS || error == EAGAIN || error == ENOMEM || error == EINTR; }

std::string unreachable_reason(int error) {
  if (error == ECONNREFUSED) return "port unreachable, nothing listens there";
  return std::generic_category().message(error);
}

}  // namespace

struct LatencyPath::Worker {
  Worker(const Endpoint& listen, std::uint64_t seed, Probes probes)
      : reflecting(listen, SendStamps::on_demand),
        probing({listen.address, 0}, SendStamps::all),
        sender({probing.has_v4(), probing.has_v6()}, seed, probes == Probes::keep) {
    // Somebody without that watch tells nobody of steps, and others then trust no bound but each probe's own.
    if (clock_watch) reflector.set_clock_era(1 + static_cast<std::uint32_t>(seed % wire::most_clock_era));
  }

  // Shared with the main thread.
  Mailbox<Command> commands{commands_limit};
  Mailbox<Result> results{results_limit};
  Mailbox<Event> events{events_limit};
  Mailbox<FarRun> far_runs{far_runs_limit};
  std::shared_ptr<Mailbox<wire::ArrivalAnswers>> answers =
      std::make_shared<Mailbox<wire::ArrivalAnswers>>(answers_limit);
  Mailbox<std::vector<SentProbe>> kept{kept_limit};  ///< nothing enters it unless probes are kept
  mutable std::mutex stats_mutex;
  LatencyStats published;
  std::thread thread;

  // The thread's own.
  UdpSocket reflecting;
  UdpSocket probing;
  LatencySender sender;
  Reflector reflector;
  ClockWatch clock_watch;
  ReplyModeration moderation;
  std::optional<MonoTime> gather_until;  ///< requests wait until then
  RecentSpread lateness;
  RecentSpread hold;
  LatencyStats seen;  ///< what was published last
  MonoTime published_at;
  MonoTime turn_at;        ///< the sender has nothing to do before it
  MonoTime read_at;        ///< what came back was read
  std::size_t unread = 0;  ///< probes that have left since
  struct {
    bool command = true;
    bool request = true;
  } woken_by;
  bool real_time = false;
  std::uint64_t send_stamps = 0;
  std::uint64_t probing_drops = 0;
  std::vector<Ask> asked;
  LatencyOutput out;  ///< of the present turn
  std::vector<OutgoingDatagram> outgoing;
  std::vector<std::uint8_t> reply;
  std::vector<StampedSend> stamps;
  std::vector<SendError> errors;

  void run();
  bool obey();
  void look_at_clock();
  void take_turn(const Now& now);
  void send_probes();
  void reflect();
  void answer();
  void read_error_queue();
  void read_replies(const Now& now);
  void wait();
  void publish(const Now& now);
  void report_refusals(const LatencyStats& stats);
};

void LatencyPath::Worker::run() {
  real_time = raise_priority();
  while (true) {
    if (woken_by.command) {
      if (!obey()) return;
      turn_at = MonoTime();
    }
    look_at_clock();
    if (woken_by.request) reflect();
    if (!asked.empty()) answer();
    const Now now = read_both_clocks();
    if (now.mono >= turn_at) {
      // What came back is read at some of the turns, and always before anything is judged. The kernel stamped it when
      // it came, so waiting costs no accuracy, and no wake: waking up is most of what a probe costs.
      if (now.mono - read_at >= read_every || unread >= most_unread || sender.judges(now.mono)) {
        read_error_queue();
        read_replies(now);
        read_at = now.mono;
        unread = 0;
      }
      take_turn(now);
      if (now.mono - published_at >= publish_every) publish(now);
    }
    wait();
  }
}

/// A step of the wall clock is told before anything that was stamped behind it goes out or is judged.
void LatencyPath::Worker::look_at_clock() {
  if (!clock_watch.was_set()) return;
  reflector.on_clock_step();
  sender.clock_was_set();
}

/// False when it is time to stop.
bool LatencyPath::Worker::obey() {
  for (Command& command : commands.take_all()) {
    if (std::holds_alternative<Stop>(command)) return false;
    if (const auto* clock = std::get_if<ClockMap>(&command)) sender.set_clock(*clock);
    if (const auto* load = std::get_if<Load>(&command)) reflector.set_load(load->load);
    if (const auto* load = std::get_if<OwnLoad>(&command)) sender.tell_load(*load);
    if (const auto* burst = std::get_if<LatencyBurst>(&command)) sender.burst(*burst);
    if (auto* ask = std::get_if<Ask>(&command)) asked.push_back(std::move(*ask));
    if (auto* plan = std::get_if<LatencyPlan>(&command)) {
      probing.set_traffic_class(static_cast<std::uint8_t>(plan->dscp << 2U));
      reflector.set_dscp(plan->dscp);
      reflector.set_members(plan->members, read_clock().wall);
      reflector.set_allowed(plan->allowed);
      reflector.set_keys(plan->keys);
      reflector.set_outsider_keys(plan->outsider_keys);
      reflector.set_clock_error(plan->own_clock_error);
      sender.configure(std::move(*plan));
    }
  }
  return true;
}

void LatencyPath::Worker::take_turn(const Now& now) {
  out.clear();
  sender.tick(now, out);
  unread += out.probes.size();
  send_probes();
  for (const nanoseconds late : out.lateness) lateness.add(late);
  for (Result& result : out.results) results.push(std::move(result));
  for (Event& event : out.events) events.push(std::move(event));
  for (FarRun& run : out.far_runs) far_runs.push(std::move(run));
  if (!out.closed.empty()) kept.push(std::move(out.closed));
  const Now after = read_clock();
  turn_at = std::min(sender.next_deadline(after).value_or(MonoTime::max()), after.mono + publish_every);
}

void LatencyPath::Worker::send_probes() {
  std::span<const OutgoingProbe> rest(out.probes);
  while (!rest.empty()) {
    const auto now_sending = rest.first(std::min(rest.size(), UdpSocket::batch));
    outgoing.clear();
    for (const OutgoingProbe& probe : now_sending)
      outgoing.push_back({.to = probe.to, .octets = probe.octets, .from = {}, .traffic_class = {}});
    const WallTime at = read_clock().wall;
    const SendOutcome outcome = probing.send(outgoing);
    for (const OutgoingProbe& probe : now_sending.first(outcome.taken))
      sender.on_user_stamp(probe.ssid, probe.sequence, at);
    rest = rest.subspan(outcome.taken);
    if (outcome.error == 0) continue;
    const OutgoingProbe& refused = rest.front();
    if (own_shortage(outcome.error))
      sender.on_lost_here(refused.ssid, refused.sequence);
    else
      sender.on_unreachable(refused.to, unreachable_reason(outcome.error));
    rest = rest.subspan(1);
  }
}

void LatencyPath::Worker::reflect() {
  const auto requests = reflecting.receive();
  for (const Datagram& datagram : requests) {
    const WallTime arrival = datagram.kernel_stamp.value_or(read_clock().wall);
    const auto orders = reflector.on_packet(
        {datagram.from, datagram.octets, arrival, datagram.ttl, datagram.traffic_class.value_or(0)}, reply);
    if (!orders) continue;
    const OutgoingDatagram answer{.to = datagram.from,
                                  .octets = reply,
                                  .from = datagram.to,
                                  .traffic_class = orders->traffic_class,
                                  .stamp = orders->stamp};
    // One by one: in a batch the later replies would leave well after their t3.
    const WallTime leaving = read_clock().wall;
    Reflector::seal(reply, *orders, leaving);
    reflecting.send({&answer, 1});
    hold.add(leaving - arrival);
  }
  stamps.clear();
  errors.clear();
  reflecting.drain_errors(stamps, errors);
  for (const StampedSend& stamped : stamps)
    if (stamped.in_driver) reflector.on_sent(stamped.to, stamped.payload, stamped.at);
  gather_until = moderation.after_reading(read_clock().mono, requests.size());
}

void LatencyPath::Worker::answer() {
  for (const Ask& ask : asked) {
    wire::ArrivalAnswers all;
    for (const ArrivalQuery& query : ask.queries) {
      const ReceivedRuns::Count count = reflector.count_arrivals(query);
      all.answers.push_back({query.id, count.known, count.received});
    }
    answers->push(std::move(all));
  }
  asked.clear();
}

void LatencyPath::Worker::read_error_queue() {
  stamps.clear();
  errors.clear();
  probing.drain_errors(stamps, errors);
  for (const StampedSend& stamped : stamps) {
    const auto packet = wire::name_of(stamped.payload);
    if (!packet) continue;
    if (stamped.in_driver) ++send_stamps;
    sender.on_kernel_stamp(packet->ssid, packet->sequence, stamped.in_driver ? SendStamp::sent : SendStamp::scheduled,
                           stamped.at);
  }
  for (const SendError& error : errors) sender.on_unreachable(error.to, unreachable_reason(error.error));
}

void LatencyPath::Worker::read_replies(const Now& now) {
  std::span<const Datagram> datagrams;
  do {
    datagrams = probing.receive();
    for (const Datagram& datagram : datagrams) {
      const WallTime arrival = datagram.kernel_stamp.value_or(now.wall);
      sender.on_packet(arrived_at(arrival, now), {.from = datagram.from,
                                                  .octets = datagram.octets,
                                                  .received_at = arrival,
                                                  .kernel_stamp = datagram.kernel_stamp.has_value(),
                                                  .ttl = datagram.ttl,
                                                  .traffic_class = datagram.traffic_class});
    }
  } while (datagrams.size() == UdpSocket::batch);
}

/// The probing socket is not among the sources: neither its replies nor its stamps need a wake of their own. Nor is the
/// reflecting one while requests gather.
void LatencyPath::Worker::wait() {
  const MonoTime until = std::min(turn_at, gather_until.value_or(MonoTime::max()));
  const nanoseconds time = std::clamp<nanoseconds>(until - read_clock().mono, nanoseconds(0), publish_every);
  const timespec timeout{time.count() / 1'000'000'000, time.count() % 1'000'000'000};
  std::array<pollfd, 2> sources{{{commands.fd(), POLLIN, 0}, {gather_until ? -1 : reflecting.fd(), POLLIN, 0}}};
  const bool any = ::ppoll(sources.data(), sources.size(), &timeout, nullptr) > 0;
  const bool gathered = gather_until && read_clock().mono >= *gather_until;
  woken_by = {any && sources[0].revents != 0, gathered || (any && sources[1].revents != 0)};
}

void LatencyPath::Worker::publish(const Now& now) {
  published_at = now.mono;
  LatencyStats stats;
  stats.lateness = lateness.spread();
  stats.hold = hold.spread();
  const std::uint64_t dropped = probing.drops();
  if (dropped > probing_drops) sender.on_socket_drops(dropped - probing_drops);
  probing_drops = dropped;
  stats.socket_drops = reflecting.drops() + dropped;
  stats.send_stamps = send_stamps;
  stats.results_dropped = results.dropped();
  stats.sender = sender.counters();
  stats.reflector = reflector.counters();
  stats.real_time = real_time;
  lateness.rotate(now.mono);
  hold.rotate(now.mono);
  report_refusals(stats);
  seen = stats;
  const std::lock_guard lock(stats_mutex);
  published = stats;
}

void LatencyPath::Worker::report_refusals(const LatencyStats& stats) {
  const auto report = [this](std::string_view code, std::uint64_t before, std::uint64_t count) {
    if (count > before) events.push({Severity::warning, code, {{"count", std::to_string(count - before)}}});
  };
  report("reflector_stranger", seen.reflector.strangers, stats.reflector.strangers);
  report("reflector_bad_hmac", seen.reflector.bad_hmac, stats.reflector.bad_hmac);
  report("reflector_malformed", seen.reflector.malformed, stats.reflector.malformed);
  report("reflector_sessions_full", seen.reflector.evicted, stats.reflector.evicted);
  report("latency_bad_hmac", seen.sender.unverified, stats.sender.unverified);
  report("latency_foreign_reply", seen.sender.foreign, stats.sender.foreign);
  report("latency_socket_drops", seen.socket_drops, stats.socket_drops);
  report("latency_results_dropped", seen.results_dropped, stats.results_dropped);
}

LatencyPath::LatencyPath(const Endpoint& listen, std::uint64_t seed, Probes probes)
    : worker_(std::make_unique<Worker>(listen, seed, probes)) {
  // The thread inherits the mask: signals are for the main loop.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  worker_->thread = std::thread([worker = worker_.get()] { worker->run(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

LatencyPath::~LatencyPath() {
  while (!worker_->commands.push(Stop{})) std::this_thread::yield();
  worker_->thread.join();
}

void LatencyPath::configure(LatencyPlan plan) { worker_->commands.push(std::move(plan)); }
void LatencyPath::burst(LatencyBurst burst) { worker_->commands.push(std::move(burst)); }
void LatencyPath::set_clock(const ClockMap& clock) { worker_->commands.push(clock); }
void LatencyPath::set_load(const std::optional<SiteLoad>& load) { worker_->commands.push(Load{load}); }
void LatencyPath::tell_load(const OwnLoad& load) { worker_->commands.push(load); }
void LatencyPath::ask(std::vector<ArrivalQuery> queries) { worker_->commands.push(Ask{std::move(queries)}); }
const std::shared_ptr<Mailbox<wire::ArrivalAnswers>>& LatencyPath::answers() const { return worker_->answers; }
int LatencyPath::results_fd() const { return worker_->results.fd(); }
std::vector<Result> LatencyPath::take_results() { return worker_->results.take_all(); }

std::vector<SentProbe> LatencyPath::take_probes() {
  std::vector<SentProbe> all;
  for (const std::vector<SentProbe>& some : worker_->kept.take_all()) all.insert(all.end(), some.begin(), some.end());
  return all;
}

std::vector<FarRun> LatencyPath::take_far_runs() { return worker_->far_runs.take_all(); }
Events LatencyPath::take_events() { return worker_->events.take_all(); }
Endpoint LatencyPath::local() const { return worker_->reflecting.local(); }

LatencyStats LatencyPath::stats() const {
  const std::lock_guard lock(worker_->stats_mutex);
  return worker_->published;
}

}  // namespace sonde::io
