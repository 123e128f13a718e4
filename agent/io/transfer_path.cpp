#include "agent/io/transfer_path.h"

#include <sys/random.h>

#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <functional>
#include <system_error>
#include <utility>

#include "agent/core/transfer_desk.h"
#include "agent/io/mailbox_watch.h"
#include "agent/io/transfer_receiver.h"
#include "agent/io/transfer_sender.h"
#include "shared/io/clock.h"

namespace sonde::io {
namespace {

/// Progress comes a few times a second: the last reports of a run have room also after the loop stood still for long.
constexpr std::size_t max_reports = 512;

wire::Token random_token() {
  wire::Token token{};
  if (::getrandom(token.data(), token.size(), 0) != std::ssize(token))
    throw std::system_error(errno, std::generic_category(), "draw a token");
  return token;
}

}  // namespace

class TransferPath::Impl {
 public:
  Impl(boost::asio::io_context& loop, SiteId self, TcpPort& port, Resolver& resolver, Effects effects)
      : desk_(std::move(self)),
        port_(port),
        resolver_(resolver),
        effects_(std::move(effects)),
        timer_(loop),
        watch_(loop, reports_, [this](const TransferReport& report) { on_report(report); }) {}

  ~Impl() {
    forget_sender();
    forget_receiver();
  }

  void start(const ThroughputOrder& order) {
    turn([&](TransferNow now, TransferOut& out) { desk_.start(now, order, random_token(), out); });
  }

  void on_peer_message(const SiteId& from, const wire::Message& message) {
    turn([&](TransferNow now, TransferOut& out) { desk_.on_message(now, from, message, out); });
  }

  ClockMap clock_;
  std::optional<IpAddress> source_;
  TransferDesk desk_;
  const TransferDesk& desk() const { return desk_; }

 private:
  /// A look-up that is under way before a mover can be made.
  struct Opening {
    OpenPlan plan;
    std::uint16_t port = 0;
    std::deque<std::string> names;  ///< addresses not yet looked at
    std::string trouble;
    std::function<void(OpenPlan)> found;
    std::function<void(const std::string& reason)> failed;
  };

  template <typename Input>
  void turn(Input&& input) {
    TransferOut out;
    const Now now = read_clock();
    input(TransferNow{now.mono, clock_.shared(now.wall), now.wall}, out);
    // Commands first: the far side may act on a message before this function returns.
    for (const TransferCommand& command : out.commands) std::visit([this](const auto& c) { carry_out(c); }, command);
    for (TransferMessage& message : out.messages) effects_.send(message.to, std::move(message.message));
    if (effects_.activity)
      for (const TransferActivity& activity : out.activities) effects_.activity(activity);
    for (Result& result : out.results) effects_.result(std::move(result));
    set_timer();
  }

  void on_report(const TransferReport& report) {
    turn([&](TransferNow now, TransferOut& out) { desk_.on_report(now, report, out); });
    if (const auto* ended = std::get_if<SenderEnded>(&report); ended && sending_ == ended->token) forget_sender();
    if (const auto* drained = std::get_if<ReceiverDrained>(&report); drained && receiving_ == drained->token)
      forget_receiver();
  }

  void set_timer() {
    const auto deadline = desk_.next_deadline();
    if (!deadline) {
      timer_.cancel();
      return;
    }
    timer_.expires_at(std::chrono::steady_clock::time_point(deadline->time_since_epoch()));
    timer_.async_wait([this, alive = std::weak_ptr(alive_)](const boost::system::error_code& cancelled) {
      if (cancelled || alive.expired()) return;
      turn([&](TransferNow now, TransferOut& out) { desk_.tick(now, out); });
    });
  }

  void carry_out(const OpenStreams& c) {
    forget_sender();
    sending_ = c.token;
    OpenPlan plan{c.token, {}, source_, c.streams, c.timeout, c.congestion};
    if (c.accepts) {
      sender_ = std::make_unique<TransferSender>(SenderPlan{std::move(plan), true, c.max_bytes}, reports_);
      port_.expect(c.token, c.streams, [this](Fd socket, std::uint8_t stream) {
        if (sender_) sender_->attach(std::move(socket), stream);
      });
      return;
    }
    opening_sender_ = Opening{std::move(plan), c.port, {c.addresses.begin(), c.addresses.end()}, {}, {}, {}};
    opening_sender_->found = [this, max_bytes = c.max_bytes](OpenPlan found) {
      sender_ = std::make_unique<TransferSender>(SenderPlan{std::move(found), false, max_bytes}, reports_);
    };
    opening_sender_->failed = [this, token = c.token](const std::string& reason) {
      reports_->push(SenderEnded{token, Outcome::dns_failed, reason, {}});
    };
    collect_targets(opening_sender_);
  }

  void collect_targets(std::optional<Opening>& slot) {
    while (!slot->names.empty()) {
      const std::string name = std::move(slot->names.front());
      slot->names.pop_front();
      if (const auto literal = IpAddress::parse(name))
        slot->plan.targets.push_back({*literal, slot->port});
      else if (slot->plan.targets.empty())
        return look_up(slot, name);
    }
    Opening ready = *std::exchange(slot, std::nullopt);
    if (ready.plan.targets.empty()) return ready.failed(ready.trouble);
    ready.found(std::move(ready.plan));
  }

  void look_up(std::optional<Opening>& slot, const std::string& name) {
    const wire::Token token = slot->plan.token;
    resolver_.resolve(name, slot->plan.timeout,
                      [this, &slot, token, alive = std::weak_ptr(alive_)](const Resolution& found) {
                        if (alive.expired() || !slot || slot->plan.token != token) return;
                        for (const IpAddress& address : found.addresses)
                          slot->plan.targets.push_back({address, slot->port});
                        if (found.addresses.empty()) slot->trouble = found.reason;
                        collect_targets(slot);
                      });
  }

  void carry_out(const StartWriting&) {
    if (sender_) sender_->start_writing();
  }
  void carry_out(const StopSending& command) {
    if (sender_) return sender_->stop();
    if (!opening_sender_) return;
    opening_sender_.reset();
    reports_->push(SenderEnded{command.token, Outcome::ok, {}, {}});
  }

  void carry_out(const ReceiveStreams& command) {
    forget_receiver();
    receiving_ = command.token;
    if (command.addresses.empty()) {
      receiver_ = std::make_unique<TransferReceiver>(command, std::nullopt, reports_);
      port_.expect(command.token, command.streams, [this](Fd socket, std::uint8_t stream) {
        if (receiver_) receiver_->attach(std::move(socket), stream);
      });
      return;
    }
    OpenPlan plan{command.token, {}, source_, command.streams, command.timeout, {}};
    opening_receiver_ =
        Opening{std::move(plan), command.port, {command.addresses.begin(), command.addresses.end()}, {}, {}, {}};
    opening_receiver_->found = [this, command](OpenPlan found) {
      receiver_ = std::make_unique<TransferReceiver>(command, std::move(found), reports_);
    };
    opening_receiver_->failed = [this, token = command.token](const std::string& reason) {
      wire::TransferFinished finished;
      finished.token = token;
      finished.outcome = Outcome::dns_failed;
      finished.reason = reason;
      reports_->push(ReceiverEnded{std::move(finished)});
      reports_->push(ReceiverDrained{token});
    };
    collect_targets(opening_receiver_);
  }
  void carry_out(const EndReceiving&) {
    if (receiver_) receiver_->end();
  }
  void carry_out(const StopReceiving& command) {
    if (receiver_) return receiver_->stop();
    if (!opening_receiver_) return;
    opening_receiver_.reset();
    reports_->push(ReceiverDrained{command.token});
  }

  void forget_sender() {
    sender_.reset();
    if (sending_) port_.forget(*sending_);
    sending_.reset();
  }
  void forget_receiver() {
    receiver_.reset();
    if (receiving_) port_.forget(*receiving_);
    receiving_.reset();
  }

  TcpPort& port_;
  Resolver& resolver_;
  Effects effects_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  std::optional<Opening> opening_sender_;
  std::optional<Opening> opening_receiver_;
  std::optional<wire::Token> sending_;    ///< whose mover sender_ is
  std::optional<wire::Token> receiving_;  ///< whose mover receiver_ is
  std::shared_ptr<Mailbox<TransferReport>> reports_ = std::make_shared<Mailbox<TransferReport>>(max_reports);
  std::unique_ptr<TransferSender> sender_;
  std::unique_ptr<TransferReceiver> receiver_;
  MailboxWatch<TransferReport> watch_;
};

TransferPath::TransferPath(boost::asio::io_context& loop, SiteId self, TcpPort& port, Resolver& resolver,
                           Effects effects)
    : impl_(std::make_unique<Impl>(loop, std::move(self), port, resolver, std::move(effects))) {}
TransferPath::~TransferPath() = default;

void TransferPath::set_clock(const ClockMap& clock) { impl_->clock_ = clock; }
void TransferPath::set_source(const std::optional<IpAddress>& source) { impl_->source_ = source; }
void TransferPath::set_timetable(const Timetable& timetable) { impl_->desk_.set_timetable(timetable); }
void TransferPath::set_generation(Generation in_force) { impl_->desk_.set_generation(in_force); }
void TransferPath::start(const ThroughputOrder& order) { impl_->start(order); }
void TransferPath::on_peer_message(const SiteId& from, const wire::Message& message) {
  impl_->on_peer_message(from, message);
}
bool TransferPath::busy() const { return impl_->desk().busy(); }
std::vector<TransferRunning> TransferPath::running() const { return impl_->desk().running(); }
const TransferStats& TransferPath::stats() const { return impl_->desk().stats(); }

}  // namespace sonde::io
