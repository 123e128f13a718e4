#include "agent/io/connector.h"

#include <deque>
#include <map>

#include "agent/io/connect_thread.h"
#include "agent/io/mailbox_watch.h"
#include "shared/io/clock.h"

namespace sonde::io {

class Connector::Impl {
 public:
  Impl(boost::asio::io_context& loop, Resolver& resolver, std::function<void(Result)> on_result)
      : resolver_(resolver),
        on_result_(std::move(on_result)),
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

  void conclude(std::uint64_t id) {
    auto node = probes_.extract(id);
    on_result_(make_connect_result(node.mapped().order, node.mapped().attempt));
  }

  Resolver& resolver_;
  std::function<void(Result)> on_result_;
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
