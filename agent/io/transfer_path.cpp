#include "agent/io/transfer_path.h"

#include <sys/random.h>

#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <system_error>

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
    if (receiving_) port_.forget(*receiving_);
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
  /// A look-up that is under way before the sender's mover can be made.
  struct Opening {
    OpenStreams command;
    std::deque<std::string> names;  ///< addresses not yet looked at
    std::vector<Endpoint> targets;
    std::string trouble;
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
    if (const auto* ended = std::get_if<SenderEnded>(&report); ended && sending_ == ended->token) sender_.reset();
    if (const auto* drained = std::get_if<ReceiverDrained>(&report); drained && receiving_ == drained->token) {
      receiver_.reset();
      port_.forget(*receiving_);
      receiving_.reset();
    }
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

  void carry_out(const OpenStreams& command) {
    sender_.reset();
    opening_ = Opening{command, {command.addresses.begin(), command.addresses.end()}, {}, {}};
    collect_targets();
  }

  void collect_targets() {
    Opening& opening = *opening_;
    while (!opening.names.empty()) {
      const std::string name = std::move(opening.names.front());
      opening.names.pop_front();
      if (const auto literal = IpAddress::parse(name))
        opening.targets.push_back({*literal, opening.command.port});
      else if (opening.targets.empty())
        return look_up(name);
    }
    if (opening.targets.empty()) return no_sender(Outcome::dns_failed, opening.trouble);
    const OpenStreams& c = opening.command;
    sending_ = c.token;
    sender_ = std::make_unique<TransferSender>(
        SenderPlan{c.token, std::move(opening.targets), source_, c.streams, c.max_bytes, c.timeout, c.congestion},
        reports_);
    opening_.reset();
  }

  void look_up(const std::string& name) {
    const wire::Token token = opening_->command.token;
    resolver_.resolve(name, opening_->command.timeout,
                      [this, token, alive = std::weak_ptr(alive_)](const Resolution& found) {
                        if (alive.expired() || !opening_ || opening_->command.token != token) return;
                        for (const IpAddress& address : found.addresses)
                          opening_->targets.push_back({address, opening_->command.port});
                        if (found.addresses.empty()) opening_->trouble = found.reason;
                        collect_targets();
                      });
  }

  /// The run ends before there was a mover that could report.
  void no_sender(Outcome outcome, const std::string& reason) {
    reports_->push(SenderEnded{opening_->command.token, outcome, reason, {}});
    opening_.reset();
  }

  void carry_out(const StartWriting&) {
    if (sender_) sender_->start_writing();
  }
  void carry_out(const StopSending&) {
    if (sender_)
      sender_->stop();
    else if (opening_)
      no_sender(Outcome::ok, {});
  }

  void carry_out(const ReceiveStreams& command) {
    if (receiving_) port_.forget(*receiving_);
    receiving_ = command.token;
    receiver_ = std::make_unique<TransferReceiver>(command, reports_);
    port_.expect(command.token, command.streams, [this](Fd socket, std::uint8_t stream) {
      if (receiver_) receiver_->attach(std::move(socket), stream);
    });
  }
  void carry_out(const StopReceiving&) {
    if (receiver_) receiver_->stop();
  }

  TcpPort& port_;
  Resolver& resolver_;
  Effects effects_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  std::optional<Opening> opening_;
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
void TransferPath::set_full_duplex(bool on) { impl_->desk_.set_full_duplex(on); }
void TransferPath::start(const ThroughputOrder& order) { impl_->start(order); }
void TransferPath::on_peer_message(const SiteId& from, const wire::Message& message) {
  impl_->on_peer_message(from, message);
}
bool TransferPath::busy() const { return impl_->desk().busy(); }
std::optional<TransferRunning> TransferPath::running() const { return impl_->desk().running(); }
const TransferStats& TransferPath::stats() const { return impl_->desk().stats(); }

}  // namespace sonde::io
