#include "agent/core/connect_probe.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace sonde {
namespace {

std::string reason_for(Outcome outcome, const ConnectAttempt& attempt) {
  if (attempt.without_try) return attempt.trouble;
  if (outcome == Outcome::ok) return {};
  if (outcome == Outcome::timeout)
    return fmt::format("no answer from {} after {:.3g} s and {} SYNs sent again", attempt.target,
                       to_seconds(attempt.took), attempt.syn_retransmits);
  return fmt::format("{}: {}", attempt.target, std::strerror(attempt.error));
}

}  // namespace

Outcome outcome_of_connect_error(int error) {
  switch (error) {
    case 0: return Outcome::ok;
    case ECONNREFUSED: return Outcome::refused;
    case ETIMEDOUT: return Outcome::timeout;
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE: return Outcome::reset;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case EAFNOSUPPORT:
    case EINVAL:
    case EACCES:
    case EPERM: return Outcome::unreachable;
    default: return Outcome::skipped;
  }
}

bool is_no_route(int error) {
  return error == ENETUNREACH || error == EAFNOSUPPORT || error == EADDRNOTAVAIL || error == EINVAL;
}

Result make_connect_result(const ConnectOrder& order, const ConnectAttempt& attempt) {
  Result result;
  result.id.from = order.link.from;
  result.to = order.link.to;
  result.probe = Probe::connect;
  result.generation = order.generation;
  result.round = order.round;
  result.scheduled_at = order.scheduled_at;
  result.finished_at = attempt.finished_at;
  result.outcome = attempt.without_try.value_or(outcome_of_connect_error(attempt.error));
  result.reason = reason_for(result.outcome, attempt);
  if (result.outcome != Outcome::skipped) result.started_at = attempt.started_at.value_or(attempt.finished_at);
  if (attempt.reverse) result.details.push_back({"reverse_s", to_seconds(*attempt.reverse)});
  if (attempt.reverse_failed) result.details.push_back({"reverse_failed", 1});
  if (attempt.resolve) result.values.push_back({Metric::resolve, to_seconds(*attempt.resolve)});
  if (!was_tried(result.outcome)) return result;

  const bool connected = result.outcome == Outcome::ok;
  result.ratios.push_back({Metric::connectivity, connected ? 1U : 0U, 1});
  result.details.push_back({"syn_retransmits", static_cast<double>(attempt.syn_retransmits)});
  if (!connected) return result;
  result.values.push_back({Metric::connect, to_seconds(attempt.took)});
  if (attempt.syn_retransmits > 0) return result;
  result.values.push_back({Metric::connect_clean, to_seconds(attempt.took)});
  if (attempt.kernel_rtt) result.values.push_back({Metric::handshake_rtt, to_seconds(*attempt.kernel_rtt)});
  return result;
}

}  // namespace sonde
