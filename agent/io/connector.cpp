#include "agent/io/connector.h"

#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <map>
#include <utility>

#include "agent/io/connect_thread.h"
#include "agent/io/mailbox_watch.h"
#include "shared/io/clock.h"

namespace sonde::io {

namespace {

constexpr nanoseconds reverse_timeout = std::chrono::seconds(5);
/// A result waits this long for the target's name; what comes later goes into the next one.
constexpr std::chrono::milliseconds reverse_patience(300);
/// Who has no name is not asked for it again for so long.
constexpr nanoseconds reverse_again = std::chrono::minutes(10);

}  // namespace

class Connector::Impl {
 public:
  Impl(boost::asio::io_context& loop, Resolver& resolver, std::function<void(Result)> on_result)
      : resolver_(resolver),
        on_result_(std::move(on_result)),
        loop_(loop),
        reverse_(loop),
        watch_(loop, done_, [this](const ConnectDone& done) { on_done(done); }),
        thread_(done_) {}

  void start(ConnectOrder order) {
    const std::uint64_t id = ++last_id_;
    auto& probe = probes_[id];
    probe.addresses.assign(order.addresses.begin(), order.addresses.end());
    probe.order = std::move(order);
    if (probes_.size() > max_pending) return give_up(id, Outcome::skipped, "too many connect probes at once");
    next_target(id);
  }

  ClockMap clock_;
  std::optional<IpAddress> source_;
  std::size_t pending() const { return probes_.size(); }

 private:
  struct Probe {
    ConnectOrder order;
    std::deque<std::string> addresses;  ///< not yet looked at
    std::deque<Endpoint> targets;       ///< known and not yet tried
    ConnectAttempt attempt;
    std::string dns_trouble;
    IpAddress target;                                     ///< the last one that was tried
    std::unique_ptr<boost::asio::steady_timer> patience;  ///< while the result waits for the target's name
  };
  /// What is known of an address' name; its look-ups are few, because they may be slow.
  struct Reverse {
    bool under_way = false;
    std::uint64_t waits = 0;          ///< the probe whose result waits for it
    std::optional<Resolution> fresh;  ///< came after its probe's result, and goes into the next one
    MonoTime not_before;
  };

  /// Goes on with the next target, or the next address; each call leads to one more step or to the result.
  void next_target(std::uint64_t id) {
    Probe& probe = probes_.at(id);
    while (probe.targets.empty() && !probe.addresses.empty()) {
      const std::string address = std::move(probe.addresses.front());
      probe.addresses.pop_front();
      const auto literal = IpAddress::parse(address);
      if (!literal) return look_up(id, address);
      probe.targets.push_back({*literal, probe.order.port});
    }
    if (probe.targets.empty()) return no_more_targets(id);
    const Endpoint target = probe.targets.front();
    probe.targets.pop_front();
    probe.attempt.target = target.str();
    probe.target = target.address;
    if (!thread_.give({id, target, source_, probe.order.timeout}))
      give_up(id, Outcome::skipped, "too many connect probes at once");
  }

  void look_up(std::uint64_t id, const std::string& name) {
    resolver_.resolve(name, probes_.at(id).order.timeout,
                      [this, id, alive = std::weak_ptr(alive_)](const Resolution& found) {
                        if (alive.expired()) return;
                        Probe& probe = probes_.at(id);
                        if (found.addresses.empty())
                          probe.dns_trouble = found.reason;
                        else if (!probe.attempt.resolve)
                          probe.attempt.resolve = found.took;
                        for (const IpAddress& address : found.addresses)
                          probe.targets.push_back({address, probe.order.port});
                        next_target(id);
                      });
  }

  void no_more_targets(std::uint64_t id) {
    const Probe& probe = probes_.at(id);
    if (probe.attempt.started_at) return conclude(id);
    give_up(id, Outcome::dns_failed, probe.dns_trouble.empty() ? "the site has no address" : probe.dns_trouble);
  }

  void on_done(const ConnectDone& done) {
    const auto it = probes_.find(done.id);
    if (it == probes_.end()) return;
    Probe& probe = it->second;
    probe.attempt.error = done.error;
    probe.attempt.took = done.finished.mono - done.started.mono;
    probe.attempt.syn_retransmits = done.syn_retransmits;
    if (done.kernel_rtt.count() > 0) probe.attempt.kernel_rtt = done.kernel_rtt;
    probe.attempt.started_at = clock_.shared(done.started.wall);
    // Not from the wall clock, which may step in between.
    probe.attempt.finished_at = *probe.attempt.started_at + probe.attempt.took;
    if (is_no_route(done.error)) return next_target(done.id);
    conclude(done.id);
  }

  void give_up(std::uint64_t id, Outcome outcome, std::string why) {
    Probe& probe = probes_.at(id);
    probe.attempt.without_try = outcome;
    probe.attempt.trouble = std::move(why);
    probe.attempt.finished_at = clock_.shared(read_clock().wall);
    conclude(id);
  }

  /// Names are looked up when the handshake is over, so that they cannot disturb it.
  void conclude(std::uint64_t id) {
    Probe& probe = probes_.at(id);
    if (!probe.attempt.started_at || probe.attempt.without_try) return finish(id);
    if (reverses_.size() > max_pending) reverses_.clear();
    Reverse& known = reverses_[probe.target];
    if (known.fresh) take(probe, *std::exchange(known.fresh, std::nullopt));
    if (known.under_way || probe.attempt.reverse || read_clock().mono < known.not_before) return finish(id);
    known.under_way = true;
    known.waits = id;
    reverse_.reverse(probe.target, reverse_timeout,
                     [this, address = probe.target, alive = std::weak_ptr(alive_)](const Resolution& found) {
                       if (!alive.expired()) on_reverse(address, found);
                     });
    probe.patience = std::make_unique<boost::asio::steady_timer>(loop_, reverse_patience);
    probe.patience->async_wait([this, id, alive = std::weak_ptr(alive_)](const boost::system::error_code& cancelled) {
      if (!cancelled && !alive.expired() && probes_.contains(id)) finish(id);
    });
  }

  static void take(Probe& probe, const Resolution& found) {
    if (found.host.empty())
      probe.attempt.reverse_failed = true;
    else
      probe.attempt.reverse = found.took;
  }

  void on_reverse(const IpAddress& address, const Resolution& found) {
    Reverse& known = reverses_[address];
    known.under_way = false;
    if (found.host.empty()) known.not_before = read_clock().mono + reverse_again;
    const auto waiting = probes_.find(known.waits);
    if (waiting == probes_.end()) {
      known.fresh = found;
      return;
    }
    take(waiting->second, found);
    finish(waiting->first);
  }

  void finish(std::uint64_t id) {
    auto node = probes_.extract(id);
    on_result_(make_connect_result(node.mapped().order, node.mapped().attempt));
  }

  Resolver& resolver_;
  std::function<void(Result)> on_result_;
  boost::asio::io_context& loop_;
  Resolver reverse_;  ///< of its own: slow answers must not keep others waiting for addresses
  std::map<IpAddress, Reverse> reverses_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  std::map<std::uint64_t, Probe> probes_;
  std::uint64_t last_id_ = 0;
  std::shared_ptr<Mailbox<ConnectDone>> done_ = std::make_shared<Mailbox<ConnectDone>>(2 * max_pending);
  MailboxWatch<ConnectDone> watch_;
  ConnectThread thread_;
};

Connector::Connector(boost::asio::io_context& loop, Resolver& resolver, std::function<void(Result)> on_result)
    : impl_(std::make_unique<Impl>(loop, resolver, std::move(on_result))) {}
Connector::~Connector() = default;

void Connector::set_clock(const ClockMap& clock) { impl_->clock_ = clock; }
void Connector::set_source(const std::optional<IpAddress>& source) { impl_->source_ = source; }
void Connector::start(ConnectOrder order) { impl_->start(std::move(order)); }
std::size_t Connector::pending() const { return impl_->pending(); }

}  // namespace sonde::io
