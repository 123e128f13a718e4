#include "agent/app.h"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <zmq.hpp>

#include <algorithm>
#include <csignal>
#include <deque>

#include "agent/app_evidence.h"
#include "agent/app_latency.h"
#include "agent/core/demand_book.h"
#include "agent/core/load_book.h"
#include "agent/core/prober.h"
#include "agent/core/session.h"
#include "agent/core/starvation.h"
#include "agent/io/connector.h"
#include "agent/io/host_status.h"
#include "agent/io/latency_path.h"
#include "agent/io/mailbox_watch.h"
#include "agent/io/name_keeper.h"
#include "agent/io/open_peers.h"
#include "agent/io/peer_links.h"
#include "agent/io/resolver.h"
#include "agent/io/spool.h"
#include "agent/io/tcp_port.h"
#include "agent/io/transfer_path.h"
#include "shared/base/limits.h"
#include "shared/io/clock.h"
#include "shared/io/daemon.h"
#include "shared/io/log.h"
#include "shared/io/zmq_link.h"
#include "shared/wire/codec.h"

namespace sonde {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Nothing waits longer than this for its turn; slots and heartbeats wake the loop at their own instants.
constexpr nanoseconds longest_sleep = milliseconds(100);
constexpr nanoseconds status_every = seconds(1);
/// Without any exchange since the start, the saved offset is believed to be this good.
constexpr nanoseconds saved_clock_error = seconds(1);
constexpr nanoseconds clock_worth_saving = milliseconds(10);
constexpr auto goodbye_time = milliseconds(100);
constexpr std::size_t lateness_kept = 100;

}  // namespace

class AgentApp::Parts {
 public:
  Parts(AgentSetup setup, std::filesystem::path config_file);
  void run();

 private:
  std::unique_ptr<io::SpoolFile> open_spool();
  void dial();
  void reload();
  void on_signal();
  void on_control(std::span<const std::uint8_t> bytes);
  void on_control_connection(io::ConnectionChange change);
  void carry_out(Session::Out& out);
  void take_timetable(const Timetable& timetable, bool save);
  void share_keys(const Timetable& timetable);
  void configure_latency();
  void watch_latency();
  void turn();
  void probe(Now now);
  void update_clock(Now now);
  void update_status(Now now);
  bool may_measure(Now now);
  void on_transfer_result(Result result);
  void on_connect_result(Result result);
  void collect_judged(MonoTime now);
  void tell_loads(const LoadBook::News& news);
  void collect(Result result) {
    starvation_.mark(result);
    if (result.has(Tag::starved)) ++starved_;
    demand_.on_result(result);
    collected_.push_back(std::move(result));
  }
  void carry_out(Now now, DemandBook::Out& out);
  void begin(Prober::Out& out);
  void store_collected();
  void tell(const Events& events) { log_.write(io::read_clock().mono, events); }

  // What is decided.
  AgentSetup setup_;
  std::filesystem::path config_file_;
  io::EventLog log_;
  std::string boot_id_ = io::read_boot_id();
  std::optional<Timetable> saved_timetable_;
  std::optional<nanoseconds> saved_offset_;
  std::unique_ptr<io::SpoolFile> spool_file_;
  Session session_;
  Prober prober_;
  PairKeys pair_keys_;
  DemandBook demand_;
  ClockMap clock_;
  std::vector<Result> collected_;
  LoadBook loads_;
  std::deque<nanoseconds> slot_lateness_;
  Starvation starvation_;
  std::uint64_t starved_ = 0;
  bool measuring_ = true;
  MonoTime started_at_ = io::read_clock().mono;
  MonoTime next_status_{};

  // Where it is carried out: the disk first, then what measures, the coordinator last.
  boost::asio::io_context loop_{1};
  io::Spool spool_;
  io::LatencyPath latency_;
  io::MailboxWatch<wire::ArrivalAnswers> arrivals_;
  boost::asio::posix::stream_descriptor latency_results_{loop_};
  io::Resolver resolver_{loop_};
  io::NameKeeper names_;
  io::Connector connector_;
  io::TcpPort port_;
  zmq::context_t zmq_;
  io::PeerLinks peers_;
  io::TransferPath transfers_;
  io::EvidenceTaker evidence_;
  std::unique_ptr<io::ZmqDealer> control_;
  boost::asio::signal_set signals_{loop_, SIGTERM, SIGINT, SIGHUP};
  boost::asio::steady_timer timer_{loop_};
};

AgentApp::Parts::Parts(AgentSetup setup, std::filesystem::path config_file)
    : setup_(std::move(setup)),
      config_file_(std::move(config_file)),
      spool_file_(open_spool()),
      session_({setup_.config.site, SONDE_VERSION, boot_id_, setup_.config.listen.port}, Generation{}),
      prober_(setup_.config.site, boot_id_),
      demand_(setup_.config.site),
      spool_(
          loop_, std::move(spool_file_), [this](const SpoolState& state) { session_.on_spool(state); },
          [this](const Event& event) { tell({event}); }),
      latency_(setup_.config.listen, io::random_seed()),
      arrivals_(loop_, latency_.answers(),
                [this](const wire::ArrivalAnswers& answers) { control_->send(wire::encode(answers)); }),
      names_(resolver_,
             {.changed = [this] { configure_latency(); }, .event = [this](const Event& event) { tell({event}); }}),
      connector_(loop_, resolver_, [this](Result result) { on_connect_result(std::move(result)); }),
      port_(loop_, setup_.config.listen),
      peers_(io::open_peers(
          loop_, zmq_, setup_.config.site, setup_.config.listen, setup_.keys,
          [this](const SiteId& from, const wire::Message& message) { transfers_.on_peer_message(from, message); },
          [this](const Event& event) { tell({event}); })),
      transfers_(loop_, setup_.config.site, port_, resolver_,
                 {.send = [this](const SiteId& to, const wire::Message& message) { peers_.send(to, message); },
                  .result = [this](Result result) { on_transfer_result(std::move(result)); },
                  .activity = [this](const TransferActivity& activity) { tell_loads(loads_.on_activity(activity)); }}),
      evidence_(make_evidence_taker(loop_, setup_.config, prober_, names_.book(), transfers_, control_)) {
  // With an address of its own to listen on, a site is known by it: what it opens comes from there too.
  if (setup_.config.listen.address != IpAddress{setup_.config.listen.address.family, {}}) {
    connector_.set_source(setup_.config.listen.address);
    transfers_.set_source(setup_.config.listen.address);
  }
  latency_results_.assign(::dup(latency_.results_fd()));
  if (saved_timetable_) take_timetable(*saved_timetable_, false);
  dial();
}

std::unique_ptr<io::SpoolFile> AgentApp::Parts::open_spool() {
  auto file = std::make_unique<io::SpoolFile>(setup_.config.spool, setup_.config.site, setup_.config.spool_max_size);
  saved_timetable_ = file->saved_timetable();
  saved_offset_ = file->saved_clock_offset();
  return file;
}

void AgentApp::Parts::dial() {
  control_.reset();
  try {
    control_ = std::make_unique<io::ZmqDealer>(
        loop_, zmq_, setup_.config.coordinator, setup_.keys, setup_.coordinator_key,
        [this](std::span<const std::uint8_t> bytes) { on_control(bytes); },
        [this](io::ConnectionChange change) { on_control_connection(change); });
  } catch (const zmq::error_t& error) {
    throw std::runtime_error(
        fmt::format("connect to the coordinator at {}: {}", setup_.config.coordinator, error.what()));
  }
}

void AgentApp::Parts::reload() {
  AgentSetupOutcome fresh = read_agent_setup(config_file_);
  if (!fresh.setup) {
    tell({{Severity::error, "configuration_refused", {{"file", config_file_.string()}}}});
    fmt::print(stderr, "{}", fresh.errors);
    return;
  }
  const AgentConfig& old = setup_.config;
  const AgentConfig& next = fresh.setup->config;
  tell(settings_for_a_restart(setup_, *fresh.setup));
  const bool other_coordinator =
      old.coordinator != next.coordinator || setup_.coordinator_key != fresh.setup->coordinator_key;
  setup_.config.take_reloadable(next);
  setup_.coordinator_key = fresh.setup->coordinator_key;
  setup_.outsider_keys = std::move(fresh.setup->outsider_keys);
  setup_.reflector_keys = std::move(fresh.setup->reflector_keys);
  share_keys(prober_.timetable());
  tell({{Severity::info, "configuration_read", {{"file", config_file_.string()}}}});
  if (other_coordinator) {
    session_.on_connection_broken();
    dial();
  }
  configure_latency();
}

void AgentApp::Parts::on_control(std::span<const std::uint8_t> bytes) {
  const auto message = wire::decode(bytes);
  if (!message) {
    const bool unknown = message.error().failure == wire::DecodeFailure::unknown_type;
    tell({{Severity::warning,
           unknown ? "message_unknown" : "message_malformed",
           {{"site", "coordinator"}, {"reason", message.error().what}}}});
    return;
  }
  Session::Out out;
  session_.on_message(io::read_clock(), *message, out);
  carry_out(out);
}

void AgentApp::Parts::on_control_connection(io::ConnectionChange change) {
  if (change == io::ConnectionChange::broken) {
    if (session_.welcomed()) tell({{Severity::warning, "coordinator_connection_ended", {}}});
    session_.on_connection_broken();
  } else if (change == io::ConnectionChange::handshake_failed) {
    tell({{Severity::error,
           "coordinator_refuses_us",
           {{"endpoint", setup_.config.coordinator}, {"our_key", setup_.keys.public_key}}}});
  }
}

void AgentApp::Parts::carry_out(Session::Out& out) {
  if (out.welcome_last_seq) spool_.start_after(*out.welcome_last_seq);
  if (out.acknowledged) spool_.acknowledge(*out.acknowledged);
  if (out.peers) {
    prober_.set_peer_facts(*out.peers);
    configure_latency();
  }
  if (out.timetable) take_timetable(*out.timetable, true);
  if (out.order && clock_.known) {
    const Now now = io::read_clock();
    DemandBook::Out answer;
    demand_.on_order(clock_.shared(now.wall), *out.order, answer);
    carry_out(now, answer);
  }
  if (out.evidence) evidence_.order(*out.evidence);
  if (!out.questions.empty() && clock_.known) latency_.ask(prober_.queries_for(out.questions, names_.book(), clock_));
  if (out.fetch_after) {
    spool_.fetch(*out.fetch_after, limits::results_per_message, [this](std::vector<Result> results) {
      Session::Out more;
      session_.on_fetched(io::read_clock(), std::move(results), more);
      carry_out(more);
    });
  }
  for (const wire::Message& message : out.messages)
    if (!control_->send(wire::encode(message)) && std::holds_alternative<wire::ResultBatch>(message))
      session_.on_send_failed();
  tell(out.events);
}

void AgentApp::Parts::take_timetable(const Timetable& timetable, bool save) {
  if (!prober_.set_timetable(timetable)) return;
  if (save) spool_.save_timetable(timetable);
  peers_.set_members(timetable.members);
  share_keys(timetable);
  transfers_.set_timetable(timetable);
  names_.set_members(timetable.members);
  configure_latency();
  tell({{Severity::info,
         "timetable_taken",
         {{"generation", std::to_string(timetable.generation.number)},
          {"sites", std::to_string(timetable.members.size())},
          {"effective_at", format_rfc3339(timetable.effective_at)}}}});
}

void AgentApp::Parts::share_keys(const Timetable& timetable) {
  pair_keys_ = shared_stamp_keys(timetable, setup_);
  tell(missing_stamp_keys(prober_, setup_, pair_keys_));
}

void AgentApp::Parts::configure_latency() {
  LatencyPlan plan = latency_plan_of(prober_, names_.book(), setup_, pair_keys_);
  port_.set_members(plan.members);
  if (!measuring_) plan.streams.clear();
  latency_.configure(std::move(plan));
}

void AgentApp::Parts::watch_latency() {
  latency_results_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                              [this](const boost::system::error_code& error) {
                                if (error) return;
                                for (Result& result : latency_.take_results()) collect(std::move(result));
                                store_collected();
                                watch_latency();
                              });
}

void AgentApp::Parts::store_collected() {
  if (collected_.empty()) return;
  spool_.append(std::exchange(collected_, {}));
}

/// Latency probes that meet a run are kept apart: ours by the sender, those of others by what our reflector says.
void AgentApp::Parts::tell_loads(const LoadBook::News& news) {
  for (const OwnLoad& load : news.loads) latency_.tell_load(load);
  if (news.for_others) latency_.set_load(news.for_others);
}

void AgentApp::Parts::on_transfer_result(Result result) {
  tell_loads(loads_.on_result(result));
  // How wrong the times of this result may be, for the audit of the timetable.
  if (clock_.known) result.details.push_back({"clock_error_s", to_seconds(clock_.error)});
  collect(std::move(result));
}

void AgentApp::Parts::on_connect_result(Result result) {
  loads_.hold(io::read_clock().mono, std::move(result), prober_.timetable().policy.latency);
}

/// Connect results whose wait for news of the far sites' runs is over.
void AgentApp::Parts::collect_judged(MonoTime now) {
  for (const FarRun& run : latency_.take_far_runs()) loads_.on_far_run(run);
  for (Result& result : loads_.judged(now, clock_)) collect(std::move(result));
}

void AgentApp::Parts::update_clock(Now now) {
  ClockMap estimate = session_.clock(now);
  const bool is_own = estimate.known;
  const bool may_use_saved = saved_offset_ && saved_timetable_ && session_.clock_steps() == 0;
  if (!is_own && may_use_saved) estimate = {*saved_offset_, saved_clock_error, true};
  // Nothing begins by a clock that was set a moment ago; the next exchange comes within a second.
  clock_.known = estimate.known;
  if (!estimate.known || estimate == clock_) return;
  clock_ = estimate;
  latency_.set_clock(clock_);
  connector_.set_clock(clock_);
  transfers_.set_clock(clock_);
  evidence_.set_clock(clock_);
  if (is_own && (!saved_offset_ || std::chrono::abs(*saved_offset_ - clock_.offset) > clock_worth_saving)) {
    saved_offset_ = clock_.offset;
    spool_.save_clock_offset(clock_.offset);
  }
}

/// Once a second: what the heartbeat says of this host, and whatever else is due in no hurry.
void AgentApp::Parts::update_status(Now now) {
  if (now.mono < next_status_) return;
  next_status_ = now.mono + status_every;
  const auto claimed = setup_.config.clock_error;
  wire::Heartbeat status = io::host_status(latency_.stats(), slot_lateness_);
  if (claimed) status.clock_error = claimed;
  if (clock_.known) status.clock_offset = clock_.offset;
  status.clock_offset_error = clock_.error;
  status.results_starved = starved_;
  starvation_.update(status.cpu_pressure_known ? std::optional(status.cpu_pressure) : std::nullopt,
                     io::read_own_cpu_account());
  session_.set_status(status);
  tell(latency_.take_events());
  names_.tick(now.mono);
  io::notify_systemd("WATCHDOG=1");
}

/// False once the coordinator has been away for longer than the policy's autonomy: the agent then only answers.
bool AgentApp::Parts::may_measure(Now now) {
  const bool may = session_.within_autonomy(now.mono, started_at_, prober_.timetable().policy.autonomy);
  if (may != measuring_) {
    measuring_ = may;
    tell({{Severity::warning, may ? "measuring_again" : "autonomy_ended", {}}});
    configure_latency();
  }
  return may && clock_.known;
}

void AgentApp::Parts::probe(Now now) {
  if (!may_measure(now)) return;
  Prober::Out out;
  prober_.tick(now, clock_, out);
  transfers_.set_generation(prober_.in_force());
  for (const nanoseconds late : out.start_lateness) slot_lateness_.push_back(late);
  while (slot_lateness_.size() > lateness_kept) slot_lateness_.pop_front();
  begin(out);
  DemandBook::Out ordered;
  // Of the two runs that full duplex allows, an order of ours is the one that sends.
  std::uint64_t sent = 0;
  for (const TransferRunning& run : transfers_.running())
    if (run.activity.link.from == setup_.config.site) sent = run.bytes;
  demand_.tick(clock_.shared(now.wall), sent, ordered);
  carry_out(now, ordered);
}

void AgentApp::Parts::begin(Prober::Out& out) {
  for (ConnectOrder& order : out.connects) connector_.start(std::move(order));
  for (const ThroughputOrder& order : out.transfers) transfers_.start(order);
  for (LatencyBurst& burst : out.bursts) latency_.burst(std::move(burst));
  for (Result& result : out.skipped) collect(std::move(result));
}

void AgentApp::Parts::carry_out(Now now, DemandBook::Out& out) {
  Prober::Out runs;
  for (const wire::RunOrder& order : out.begin) prober_.begin(now, clock_, names_.book(), order, runs);
  begin(runs);
  for (Result& result : out.skipped) collect(std::move(result));
  for (const wire::Message& message : out.messages) control_->send(wire::encode(message));
}

void AgentApp::Parts::turn() {
  Now now = io::read_clock();
  update_clock(now);
  probe(now);
  if (clock_.known) tell_loads(loads_.on_neighbours(prober_.neighbours(clock_.shared(now.wall)), clock_));
  collect_judged(now.mono);
  peers_.retry(now.mono);
  evidence_.tick();
  update_status(now);
  Session::Out out;
  session_.tick(now, out);
  carry_out(out);
  store_collected();
  spool_.tick(now.mono);

  now = io::read_clock();
  nanoseconds sleep = std::min(longest_sleep, session_.next_deadline() - now.mono);
  if (measuring_ && clock_.known) {
    const SharedTime here = clock_.shared(now.wall);
    const SharedTime next = std::min(prober_.next(), demand_.next());
    if (next < here + sleep) sleep = next <= here ? nanoseconds(0) : next - here;
  }
  timer_.expires_after(std::max(sleep, nanoseconds(0)));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) turn();
  });
}

void AgentApp::Parts::on_signal() {
  signals_.async_wait([this](const boost::system::error_code& error, int signal) {
    if (error) return;
    if (signal == SIGHUP) {
      reload();
      return on_signal();
    }
    tell({{Severity::info, "stopping", {}}});
    io::notify_systemd("STOPPING=1");
    timer_.cancel();
    collect_judged(MonoTime::max());
    store_collected();
    control_->send(wire::encode(wire::Goodbye{}));
    auto farewell = std::make_shared<boost::asio::steady_timer>(loop_, goodbye_time);
    farewell->async_wait([this, farewell](const boost::system::error_code&) { loop_.stop(); });
  });
}

void AgentApp::Parts::run() {
  on_signal();
  watch_latency();
  turn();
  tell({{Severity::info,
         "started",
         {{"version", SONDE_VERSION},
          {"site", setup_.config.site.str()},
          {"listen", setup_.config.listen.str()},
          {"coordinator", setup_.config.coordinator}}}});
  io::notify_systemd("READY=1");
  loop_.run();
}

AgentApp::AgentApp(AgentSetup setup, std::filesystem::path config_file)
    : parts_(std::make_unique<Parts>(std::move(setup), std::move(config_file))) {}
AgentApp::~AgentApp() = default;
void AgentApp::run() { parts_->run(); }

}  // namespace sonde
