#include "agent/io/control_survey.h"

#include <fmt/format.h>
#include <poll.h>

#include <boost/asio/io_context.hpp>
#include <zmq.hpp>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <optional>
#include <system_error>
#include <utility>

#include "agent/io/resolver.h"
#include "agent/io/tcp_socket.h"
#include "shared/io/clock.h"
#include "shared/io/zmq_link.h"
#include "shared/wire/codec.h"

namespace sonde::io {
namespace {

using doctor::Control;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr nanoseconds resolve_wait = seconds(5);
constexpr nanoseconds connect_wait = seconds(3);
constexpr nanoseconds answer_wait = seconds(6);
constexpr nanoseconds turn = milliseconds(50);

std::optional<std::pair<std::string, std::uint16_t>> split_endpoint(std::string_view endpoint) {
  constexpr std::string_view scheme = "tcp://";
  const std::size_t colon = endpoint.rfind(':');
  if (!endpoint.starts_with(scheme) || colon == std::string_view::npos || colon < scheme.size()) return std::nullopt;
  std::string_view host = endpoint.substr(scheme.size(), colon - scheme.size());
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const std::string_view digits = endpoint.substr(colon + 1);
  std::uint16_t port = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (parsed.ec != std::errc() || port == 0) return std::nullopt;
  return std::pair{std::string(host), port};
}

/// Empty where a connection stands; else why not.
std::string try_connect(const Endpoint& to) {
  StartedConnect started = start_connect(to, std::nullopt);
  int error = started.error;
  if (error == EINPROGRESS) {
    pollfd ready{.fd = started.socket.get(), .events = POLLOUT, .revents = 0};
    const auto wait = std::chrono::ceil<milliseconds>(connect_wait);
    error = ::poll(&ready, 1, static_cast<int>(wait.count())) == 1 ? pending_error(started.socket.get()) : ETIMEDOUT;
  }
  if (started.socket) reset_connection(started.socket);
  return error == 0 ? "" : fmt::format("{}: {}", to.str(), std::generic_category().message(error));
}

/// Asks, and puts the answer into `control`.
class Question {
 public:
  Question(const ControlTarget& target, Control& control) : target_(target), control_(control) {}

  void run() {
    boost::asio::io_context loop{1};
    zmq::context_t context;
    ZmqDealer dealer(
        loop, context, target_.endpoint, target_.keys, target_.coordinator_key,
        [this](std::span<const std::uint8_t> bytes) { on_message(bytes); },
        [this](ConnectionChange change) { on_change(change); });
    const MonoTime end = read_clock().mono + answer_wait;
    while (!control_.situation && read_clock().mono < end) {
      loop.run_for(turn);
      if (control_.reached == Control::Reached::key && !asked_) ask(dealer);
    }
  }

 private:
  void ask(ZmqDealer& dealer) {
    sent_ = read_clock();
    asked_ = dealer.send(wire::encode(wire::Inquiry{target_.site, SONDE_VERSION}));
  }
  void on_change(ConnectionChange change) {
    if (change == ConnectionChange::opened) {
      control_.reached = Control::Reached::key;
      control_.reason = fmt::format("nothing came within {} s", std::chrono::ceil<seconds>(answer_wait).count());
      asked_ = false;
    } else if (control_.reached == Control::Reached::port) {
      control_.reason = change == ConnectionChange::handshake_failed
                            ? "it refused the handshake: it does not know this site's key"
                            : "it ended the connection: it has another public key than coordinator.key says, or does "
                              "not know this site's";
    }
  }
  void on_message(std::span<const std::uint8_t> bytes) {
    auto message = wire::decode(bytes);
    auto* situation = message ? std::get_if<wire::Situation>(&*message) : nullptr;
    if (situation == nullptr) return;
    const Now now = read_clock();
    control_.took = now.mono - sent_.mono;
    control_.offset = situation->now.time_since_epoch() - sent_.wall.time_since_epoch() - control_.took / 2;
    control_.situation = std::move(*situation);
    control_.reached = Control::Reached::answer;
  }

  const ControlTarget& target_;
  Control& control_;
  Now sent_{};
  bool asked_ = false;
};

Resolution resolve(const std::string& name) {
  if (const auto address = IpAddress::parse(name)) return {.addresses = {*address}, .host = {}, .reason = {}};
  boost::asio::io_context loop{1};
  Resolver resolver(loop);
  std::optional<Resolution> found;
  resolver.resolve(name, resolve_wait, [&](Resolution resolution) { found = std::move(resolution); });
  while (!found) loop.run_for(turn);
  return *std::move(found);
}

}  // namespace

Control survey_control(const ControlTarget& target) {
  Control control{.endpoint = target.endpoint};
  const auto host = split_endpoint(target.endpoint);
  if (!host) {
    control.reason = "it is not like tcp://HOST:PORT";
    return control;
  }
  const Resolution resolution = resolve(host->first);
  if (resolution.addresses.empty()) {
    control.reason = resolution.reason;
    return control;
  }
  control.reached = Control::Reached::address;
  for (const IpAddress& address : resolution.addresses) {
    control.reason = try_connect({address, host->second});
    if (control.reason.empty()) break;
  }
  if (!control.reason.empty()) return control;
  control.reached = Control::Reached::port;
  control.reason = "the handshake did not come to an end";
  Question(target, control).run();
  return control;
}

}  // namespace sonde::io
