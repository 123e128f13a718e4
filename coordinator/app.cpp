#include "coordinator/app.h"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <zmq.hpp>

#include <csignal>
#include <utility>

#include "coordinator/app_alerts.h"
#include "coordinator/app_evidence.h"
#include "coordinator/app_results.h"
#include "coordinator/app_timetable.h"
#include "coordinator/core/audit.h"
#include "coordinator/core/demand.h"
#include "coordinator/core/matrix.h"
#include "coordinator/core/roster.h"
#include "coordinator/core/situation.h"
#include "coordinator/io/history.h"
#include "coordinator/io/http_server.h"
#include "coordinator/store/reader.h"
#include "coordinator/web/api.h"
#include "shared/io/clock.h"
#include "shared/io/daemon.h"
#include "shared/io/log.h"
#include "shared/io/zap.h"
#include "shared/io/zmq_link.h"
#include "shared/wire/codec.h"

namespace sonde {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto turn_every = TimetableDesk::tick_every;
/// The loop's turn takes milliseconds: after this it was stopped, or its machine was.
constexpr nanoseconds standstill = seconds(3);
constexpr auto publish_every = milliseconds(250);
constexpr auto expire_every = std::chrono::minutes(1);
/// An hour is rolled up so long after its end, so that hardly anything comes later.
constexpr auto roll_grace = std::chrono::minutes(3);

SharedTime hour_of(SharedTime t) {
  const nanoseconds hour = std::chrono::hours(1);
  return SharedTime(t.time_since_epoch() - t.time_since_epoch() % hour);
}

/// The coordinator's own wall clock is shared time.
SharedTime shared(Now now) { return SharedTime(now.wall.time_since_epoch()); }

}  // namespace

class CoordinatorApp::Parts {
 public:
  Parts(Setup setup, std::filesystem::path config_file);
  void run();

 private:
  std::unique_ptr<store::Writer> open_store();
  void fill_matrix();
  void apply_mesh(Now now);
  void reload();
  void turn();
  void watch_store();
  void on_signal();
  ResultDesk::Doors desk_doors();
  void on_stored(const io::BatchStored& stored, const wire::Acknowledge& acknowledge);
  void on_control(const SiteId& site, const std::string& route, std::span<const std::uint8_t> bytes);
  void on_connection(io::ConnectionChange change);
  void send(const SiteId& site, const wire::Message& message);
  void carry_out(Now now, Roster::Out& out);
  void tell(Now now, const Events& events);
  web::Response answer(const web::Request& request);
  void count();
  void send_orders();

  template <typename Use>
  auto with_sources(Now now, Use use) {
    const auto history = io::make_history(setup_.config.store);
    const web::Sources sources{.mesh = setup_.config.mesh,
                               .timetable = roster_.timetable(),
                               .matrix = matrix_,
                               .agents = roster_.agents(),
                               .counters = counters_,
                               .history = history,
                               .now = shared(now),
                               .mono = now.mono,
                               .store_open = true,
                               .control_open = true,
                               .version = SONDE_VERSION,
                               .demand = &demand_,
                               .tokens = setup_.tokens,
                               .audit = &audit_,
                               .lengths = &timetables_.lengths(),
                               .incidents = &alerts_.incidents(),
                               .silences = &alerts_.silences(),
                               .notify = &alerts_.notify(),
                               .spending = &alerts_.spending(),
                               .paths = &paths_.desk()};
    return use(sources);
  }

  // What is decided.
  Setup setup_;
  std::filesystem::path config_file_;
  io::EventLog log_;
  web::Counters counters_;
  Roster roster_;
  Matrix matrix_;
  TimetableDesk timetables_;
  RunAudit audit_;
  Demand demand_;
  AlertDesk alerts_;
  PathWatch paths_;
  MonoTime turned_at_{};
  MonoTime published_at_{};
  MonoTime expired_at_{};

  // Where it is carried out, in the order in which it is opened: history first, the doors last.
  boost::asio::io_context loop_{1};
  ResultDesk desk_;
  boost::asio::posix::stream_descriptor store_reports_{loop_};
  zmq::context_t zmq_;
  io::ZapHandler zap_;
  io::ZmqRouter control_;
  io::HttpServer http_;
  boost::asio::signal_set signals_{loop_, SIGTERM, SIGINT, SIGHUP};
  boost::asio::steady_timer timer_{loop_};
};

namespace {

io::HttpServer make_http(boost::asio::io_context& loop, const Endpoint& bind, io::HttpServer::Handler handler) {
  if (auto passed = io::take_activation_socket()) return {loop, *std::move(passed), std::move(handler)};
  return {loop, bind, std::move(handler)};
}

io::ZmqRouter make_control(boost::asio::io_context& loop, zmq::context_t& context, const Setup& setup,
                           io::ZmqRouter::OnMessage on_message, io::ZmqMonitor::OnChange on_change) {
  try {
    return {loop, context, setup.config.control, setup.keys, std::move(on_message), std::move(on_change)};
  } catch (const zmq::error_t& error) {
    throw std::runtime_error(fmt::format("listen for agents on {} (control): {}", setup.config.control, error.what()));
  }
}

}  // namespace

CoordinatorApp::Parts::Parts(Setup setup, std::filesystem::path config_file)
    : setup_(std::move(setup)),
      config_file_(std::move(config_file)),
      desk_(open_store(), desk_doors()),
      zap_(loop_, zmq_,
           [this](std::string_view address) {
             ++counters_.events["control_key_refused"];
             tell(io::read_clock(), {{Severity::warning, "control_key_refused", {{"address", std::string(address)}}}});
           }),
      control_(make_control(
          loop_, zmq_, setup_,
          [this](const SiteId& site, const std::string& route, std::span<const std::uint8_t> bytes) {
            on_control(site, route, bytes);
          },
          [this](io::ConnectionChange change) { on_connection(change); })),
      http_(make_http(loop_, setup_.config.http, [this](const web::Request& request) { return answer(request); })) {
  const Now now = io::read_clock();
  apply_mesh(now);
  fill_matrix();
  if (timetables_.take_wish()) apply_mesh(now);  // with the lengths that the stored runs had
  store_reports_.assign(::dup(desk_.store().fd()));
}

std::unique_ptr<store::Writer> CoordinatorApp::Parts::open_store() {
  auto writer = std::make_unique<store::Writer>(setup_.config.store);
  alerts_.restore(*writer, setup_.config);
  paths_.restore(*writer, shared(io::read_clock()));
  timetables_.restore(*writer, setup_.config.mesh);
  return writer;
}

/// The live matrix begins with what the store knows, so that a restart forgets nothing that it showed.
void CoordinatorApp::Parts::fill_matrix() {
  store::Reader reader(setup_.config.store);
  const SharedTime now = shared(io::read_clock());
  const auto loaded = reader.load_recent(now - Matrix::reach, [this](const Result& result) {
    matrix_.on_result(result);
    timetables_.on_result(result, setup_.config.mesh);
    desk_.learn(result);
    alerts_.learn(result);
  });
  if (!loaded) throw std::runtime_error(loaded.error().what);
  // Of a link that was quiet for longer than that, or measures seldom, only what its state needs.
  const auto earlier = reader.newest(
      [this](const Link& link, Probe probe, const RollUp& roll) { matrix_.on_earlier(link, probe, roll); });
  if (!earlier) throw std::runtime_error(earlier.error().what);
  matrix_.tick(now);
  matrix_.keep(CellQuery{.at = now});  // what every page asks first
}

/// Plans anew for the configured mesh and tells everybody.
void CoordinatorApp::Parts::apply_mesh(Now now) {
  const Mesh& mesh = setup_.config.mesh;
  // Changed in place: who reads it is told below, and nothing happens in between.
  const auto made = timetables_.plan(now, mesh);
  if (!made) {
    tell(now, {{Severity::error, "timetable_impossible", {{"reason", made.error().what}}}});
    return;
  }
  const Timetable& timetable = timetables_.timetable();
  std::map<std::string, SiteId> keys;
  for (const SiteSpec& site : mesh.sites)
    if (site.has_agent) keys.emplace(site.public_key, site.site);
  zap_.admit(std::move(keys));
  desk_.set_mesh(mesh);
  alerts_.set_config(setup_.config);
  paths_.set_config(setup_.config);
  matrix_.set_mesh(mesh);
  matrix_.set_throughput_intervals(timetable);
  audit_.set_plan(mesh, timetable);
  for (const SiteSpec& site : mesh.sites) roster_.set_last_seq(site.site, desk_.stored_seq(site.site));
  tell(now, {*made});
  timetables_.keep(desk_.store());
  Roster::Out out;
  demand_.set_plan(mesh, timetable, shared(now), timetables_.guards());
  roster_.set_mesh(shared(now), mesh, timetable, out);
  if (const std::size_t sites = roster_.parts().not_told(); sites > 0)
    out.events.push_back({Severity::warning, "uplink_slots_left_out", {{"sites", std::to_string(sites)}}});
  carry_out(now, out);
}

void CoordinatorApp::Parts::reload() {
  const Now now = io::read_clock();
  SetupOutcome fresh = read_setup(config_file_);
  if (!fresh.setup) {
    tell(now, {{Severity::error, "configuration_refused", {{"file", config_file_.string()}}}});
    fmt::print(stderr, "{}", fresh.errors);
    return;
  }
  if (needs_restart(setup_, *fresh.setup)) {
    tell(now, {{Severity::warning,
                "configuration_needs_restart",
                {{"settings", "control, http, store and keys.secret are read at start only"}}}});
  }
  const auto store = setup_.config.store;
  setup_ = *std::move(fresh.setup);
  setup_.config.store = store;
  tell(now, {{Severity::info, "configuration_read", {{"file", config_file_.string()}}}});
  apply_mesh(now);
}

void CoordinatorApp::Parts::tell(Now now, const Events& events) {
  for (const Event& event : events) ++counters_.events[std::string(event.code)];
  log_.write(now.mono, events);
}

void CoordinatorApp::Parts::carry_out(Now now, Roster::Out& out) {
  for (const SiteId& site : out.heard) matrix_.on_heard(site, shared(now));
  for (const auto& [route, message] : out.messages)
    if (!control_.send(route, wire::encode(message))) roster_.on_unreachable(route);
  for (const auto& [route, site] : out.timetables)
    if (!control_.send(route, roster_.parts().message_for(site))) roster_.on_unreachable(route);
  for (const auto& [routes, message] : out.broadcasts) {
    const wire::Buffer octets = wire::encode(message);
    for (const std::string& route : routes)
      if (!control_.send(route, octets)) roster_.on_unreachable(route);
  }
  for (const auto& [site, progress] : out.progress) demand_.on_progress(site, progress);
  for (auto& [site, batch] : out.batches) desk_.on_batch(now, site, std::move(batch));
  desk_.on_answers(out.arrivals);
  tell(now, paths_.on_taken(shared(now), std::move(out.evidence), alerts_, desk_.store()));
  tell(now, out.events);
}

void CoordinatorApp::Parts::on_control(const SiteId& site, const std::string& route,
                                       std::span<const std::uint8_t> bytes) {
  const Now now = io::read_clock();
  auto message = wire::decode(bytes);
  if (!message) {
    const bool unknown = message.error().failure == wire::DecodeFailure::unknown_type;
    tell(now, {{Severity::warning,
                unknown ? "message_unknown" : "message_malformed",
                {{"site", site.str()}, {"reason", message.error().what}}}});
    return;
  }
  if (const auto* inquiry = std::get_if<wire::Inquiry>(&*message)) {
    if (inquiry->site == site)
      control_.send(route, wire::encode(situation_of(site, setup_.config.mesh, roster_, matrix_, shared(now))));
    else
      tell(now, {{Severity::error, "agent_impostor", {{"key_of", site.str()}, {"claims", inquiry->site.str()}}}});
    return;
  }
  Roster::Out out;
  if (const auto* hello = std::get_if<wire::Hello>(&*message); hello != nullptr && hello->site == site)
    desk_.on_hello(*hello);
  if (const auto* heartbeat = std::get_if<wire::Heartbeat>(&*message)) {
    desk_.on_heartbeat(site, shared(now), *heartbeat);
    tell(now, timetables_.on_heartbeat(shared(now), site, *heartbeat));
  }
  roster_.on_message(shared(now), site, route, *std::move(message), out);
  carry_out(now, out);
}

void CoordinatorApp::Parts::on_connection(io::ConnectionChange change) {
  if (change == io::ConnectionChange::opened) return;
  const bool handshake = change == io::ConnectionChange::handshake_failed;
  tell(io::read_clock(), {{handshake ? Severity::warning : Severity::info,
                           handshake ? "control_handshake_failed" : "control_connection_ended",
                           {}}});
}

void CoordinatorApp::Parts::send(const SiteId& site, const wire::Message& message) {
  const auto agent = roster_.agents().find(site);
  if (agent != roster_.agents().end() && !agent->second.route.empty())
    control_.send(agent->second.route, wire::encode(message));
}

ResultDesk::Doors CoordinatorApp::Parts::desk_doors() {
  return {.send = [this](const SiteId& site, const wire::Message& message) { send(site, message); },
          .can_answer =
              [this](const SiteId& site) {
                const auto agent = roster_.agents().find(site);
                return agent != roster_.agents().end() && !agent->second.route.empty() &&
                       agent->second.heard(shared(io::read_clock()));
              },
          .tell = [this](const Events& events) { tell(io::read_clock(), events); },
          .stored = [this](const io::BatchStored& stored,
                           const wire::Acknowledge& acknowledge) { on_stored(stored, acknowledge); }};
}

void CoordinatorApp::Parts::on_stored(const io::BatchStored& stored, const wire::Acknowledge& acknowledge) {
  const Now now = io::read_clock();
  Roster::Out out;
  roster_.on_stored(stored.site, acknowledge.spool, acknowledge.seq, stored.fresh.size(), out);
  counters_.results_stored += stored.fresh.size();
  for (const Result& result : stored.fresh) {
    matrix_.on_result(result);
    demand_.on_result(result);
    audit_.on_result(result, out.events);
    alerts_.on_result(result, shared(now), roster_.agents());
    timetables_.on_result(result, setup_.config.mesh);
  }
  carry_out(now, out);
}

void CoordinatorApp::Parts::count() {
  desk_.count(counters_);
  counters_.http = http_.counters();
}

web::Response CoordinatorApp::Parts::answer(const web::Request& request) {
  count();
  web::Response response =
      with_sources(io::read_clock(), [&](const web::Sources& sources) { return web::handle(request, sources); });
  send_orders();
  tell(io::read_clock(), alerts_.keep_silences(desk_.store()));
  return response;
}

void CoordinatorApp::Parts::send_orders() {
  for (const Demand::Order& order : demand_.take_orders()) send(order.to, order.order);
}

void CoordinatorApp::Parts::turn() {
  const Now now = io::read_clock();
  if (turned_at_ != MonoTime{} && now.mono - turned_at_ >= standstill) {
    roster_.on_standstill(now.mono - turned_at_);
    tell(now, {{Severity::warning, "stood_still", {{"lasted", format_duration(now.mono - turned_at_)}}}});
  }
  turned_at_ = now.mono;
  Roster::Out out;
  roster_.tick(shared(now), out);
  carry_out(now, out);
  desk_.tick(now.mono);
  matrix_.tick(shared(now));
  demand_.tick(shared(now));
  send_orders();
  tell(now, alerts_.tick(now, roster_.agents(), desk_.store(), matrix_));
  tell(now, paths_.tick(now, roster_.agents(), alerts_, desk_.store(),
                        [this](const SiteId& site, const wire::Message& message) { send(site, message); }));
  if (now.mono - published_at_ >= publish_every) {
    published_at_ = now.mono;
    const auto changed = matrix_.take_changed();
    with_sources(now, [&](const web::Sources& sources) { http_.publish(sources, changed); });
  }
  if (now.mono - expired_at_ >= expire_every) {
    expired_at_ = now.mono;
    const Retention& kept = setup_.config.retention;
    const SharedTime present = shared(now);
    desk_.store().maintain(hour_of(present - roll_grace),
                           {.raw = present - kept.raw, .minute = present - kept.minute, .hour = present - kept.hour});
  }
  if (timetables_.is_due(now.mono)) apply_mesh(now);
  io::notify_systemd("WATCHDOG=1");
  timer_.expires_after(turn_every);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) turn();
  });
}

void CoordinatorApp::Parts::watch_store() {
  store_reports_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                            [this](const boost::system::error_code& error) {
                              if (error) return;
                              desk_.on_store_reports();
                              watch_store();
                            });
}

void CoordinatorApp::Parts::on_signal() {
  signals_.async_wait([this](const boost::system::error_code& error, int signal) {
    if (error) return;
    if (signal == SIGHUP) {
      io::notify_systemd("RELOADING=1");
      reload();
      io::notify_systemd("READY=1");
      return on_signal();
    }
    tell(io::read_clock(), {{Severity::info, "stopping", {}}});
    io::notify_systemd("STOPPING=1");
    alerts_.write_all(io::read_clock(), desk_.store());
    http_.stop();
    loop_.stop();
  });
}

void CoordinatorApp::Parts::run() {
  on_signal();
  watch_store();
  turn();
  tell(io::read_clock(), {{Severity::info,
                           "started",
                           {{"version", SONDE_VERSION},
                            {"mesh", setup_.config.mesh.name},
                            {"control", setup_.config.control},
                            {"http_port", std::to_string(http_.port())}}}});
  io::notify_systemd("READY=1");
  loop_.run();
}

CoordinatorApp::CoordinatorApp(Setup setup, std::filesystem::path config_file)
    : parts_(std::make_unique<Parts>(std::move(setup), std::move(config_file))) {}
CoordinatorApp::~CoordinatorApp() = default;
void CoordinatorApp::run() { parts_->run(); }

}  // namespace sonde
