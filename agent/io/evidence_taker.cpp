#include "agent/io/evidence_taker.h"

#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "agent/core/evidence_queue.h"
#include "agent/core/path_tracer.h"
#include "agent/io/route_interface.h"
#include "agent/io/trace_socket.h"
#include "shared/base/limits.h"
#include "shared/base/random.h"
#include "shared/io/clock.h"

namespace sonde::io {
namespace {

/// Of IP (RFC 791, 3.1); the loopback interface claims more.
constexpr std::uint32_t longest_packet = 65'535;

}  // namespace

class EvidenceTaker::Impl {
 public:
  Impl(boost::asio::io_context& loop, const Own& own, Doors doors)
      : loop_(loop), timer_(loop), own_(own), random_(own.seed), doors_(std::move(doors)) {}

  void order(const wire::EvidenceOrder& order) {
    EvidenceQueue::Refused refused;
    const Now now = read_clock();
    queue_.add(now.mono, clock_.shared(now.wall), order, refused);
    answer(refused);
    begin_next();
  }

  void begin_next() {
    while (!look_ && clock_.known) {
      EvidenceQueue::Refused refused;
      const Now now = read_clock();
      const auto next = queue_.take(now.mono, clock_.shared(now.wall), doors_.busy(), refused);
      answer(refused);
      if (!next) return;
      begin(now, *next);
    }
  }

  ClockMap clock_;

 private:
  struct Look {
    Look(boost::asio::io_context& loop, TraceSocket opened, MonoTime now, const PathTracer::Plan& plan)
        : socket(std::move(opened)), watch(loop), tracer(now, plan), began(now) {
      // The descriptor closes its own copy.
      watch.assign(::dup(socket->fd()));
    }
    wire::EvidenceTaken taken;
    std::optional<TraceSocket> socket;  ///< until it is finished
    boost::asio::posix::stream_descriptor watch;
    PathTracer tracer;
    MonoTime began;
    Endpoint to;
    std::optional<IpAddress> from;
    std::optional<RouteInterface> interface;  ///< at the beginning
    int send_error = 0;                       ///< an errno; of the last probe that could not be sent
  };

  void answer(EvidenceQueue::Refused& refused) {
    for (wire::EvidenceTaken& taken : refused) doors_.done(std::move(taken));
    refused.clear();
  }

  void begin(Now now, const wire::EvidenceOrder& order) {
    wire::EvidenceTaken taken{.id = order.id, .to = order.to, .trace = {}};
    taken.trace.began_at = clock_.shared(now.wall);
    const auto target = doors_.target(order.to);
    if (!target || target->addresses.empty()) {
      taken.trace.trouble = "this agent knows no address of " + order.to.str();
      return doors_.done(std::move(taken));
    }
    const auto ssid = static_cast<std::uint16_t>(1 + random_.below(0xFFFF));
    for (const Endpoint& to : target->addresses) {
      auto socket =
          TraceSocket::open({.to = to, .from = own_.address, .port = own_.port, .dscp = target->dscp, .ssid = ssid});
      if (!socket) {
        taken.trace.trouble = socket.error().what;
        continue;
      }
      taken.trace.trouble.clear();
      return start(now, to, *std::move(socket), *target, std::move(taken));
    }
    doors_.done(std::move(taken));
  }

  void start(Now now, const Endpoint& to, TraceSocket socket, const TraceTarget& target, wire::EvidenceTaken taken) {
    const Endpoint local = socket.local();
    auto interface = route_interface(to.address, local.address);
    const PathTracer::Plan plan{.least = socket.least_octets(),
                                .interface_mtu = interface ? std::min(interface->mtu, longest_packet) : 0,
                                .counts = target.counts};
    look_ = std::make_shared<Look>(loop_, std::move(socket), now.mono, plan);
    look_->taken = std::move(taken);
    look_->taken.trace.source = local.str();
    look_->taken.trace.target = to.str();
    look_->to = to;
    look_->from = local.address;
    look_->interface = std::move(interface);
    watch(look_);
    step();
  }

  void watch(const std::shared_ptr<Look>& look) {
    look->watch.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                           [this, weak = std::weak_ptr(look)](const boost::system::error_code& error) {
                             const auto alive = weak.lock();
                             if (error || !alive || !alive->socket) return;
                             for (const TraceAnswer& answer : alive->socket->receive()) alive->tracer.on_answer(answer);
                             watch(alive);
                             step();
                           });
  }

  void step() {
    Look& look = *look_;
    while (const auto probe = look.tracer.tick(read_clock().mono)) {
      const int error = look.socket->send(*probe);
      if (error == 0) continue;
      if (error == EMSGSIZE) {
        look.tracer.on_answer({.kind = TraceAnswer::Kind::too_big, .sequence = probe->sequence, .from = {}, .rtt = {}});
      } else {
        look.send_error = error;
      }
    }
    if (look.tracer.done()) return finish();
    timer_.expires_after(std::max(look.tracer.next_deadline() - read_clock().mono, nanoseconds(0)));
    timer_.async_wait([this, weak = std::weak_ptr(look_)](const boost::system::error_code& error) {
      if (!error && !weak.expired()) step();
    });
  }

  void finish() {
    const auto look = std::exchange(look_, nullptr);
    timer_.cancel();
    // Whoever waits on it may hold it for a while yet, and the next look wants its port.
    look->watch.close();
    look->socket.reset();
    PathTrace& trace = look->taken.trace;
    trace.took = read_clock().mono - look->began;
    if (look->send_error != 0)
      trace.trouble = std::string("some probes could not be sent: ") + std::strerror(look->send_error);
    look->tracer.fill(trace);
    if (look->interface) tell_interface(*look->interface, route_interface(look->to.address, look->from), trace);
    doors_.done(std::move(look->taken));
    begin_next();
  }

  static void tell_interface(const RouteInterface& before, const std::optional<RouteInterface>& after,
                             PathTrace& trace) {
    trace.interface = before.name;
    trace.interface_mtu = before.mtu;
    if (!after || after->name != before.name) return;  // the route has changed meanwhile
    const std::size_t count = std::min({before.counters.size(), after->counters.size(), limits::counters_per_trace});
    for (std::size_t i = 0; i < count; ++i) {
      const auto& [name, total] = after->counters[i];
      const std::uint64_t earlier = before.counters[i].second;
      trace.counters.push_back({name, total, total >= earlier ? total - earlier : total});
    }
  }

  boost::asio::io_context& loop_;
  boost::asio::steady_timer timer_;
  Own own_;
  Random random_;
  Doors doors_;
  EvidenceQueue queue_;
  std::shared_ptr<Look> look_;  ///< under way
};

EvidenceTaker::EvidenceTaker(boost::asio::io_context& loop, const Own& own, Doors doors)
    : impl_(std::make_unique<Impl>(loop, own, std::move(doors))) {}
EvidenceTaker::~EvidenceTaker() = default;

void EvidenceTaker::set_clock(const ClockMap& clock) { impl_->clock_ = clock; }
void EvidenceTaker::order(const wire::EvidenceOrder& order) { impl_->order(order); }
void EvidenceTaker::tick() { impl_->begin_next(); }

}  // namespace sonde::io
