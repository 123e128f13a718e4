#include "agent/core/connect_probe.h"

#include <boost/test/unit_test.hpp>

#include <cerrno>

using namespace sonde;
using namespace std::chrono_literals;

namespace {

ConnectOrder order() {
  ConnectOrder o;
  o.link = {SiteId::known("berlin"), SiteId::known("athens")};
  o.addresses = {"192.0.2.20"};
  o.port = 7101;
  o.round = {7};
  o.generation = {3};
  o.scheduled_at = shared_from_ns(1'000);
  return o;
}

ConnectAttempt attempt(int error) {
  ConnectAttempt a;
  a.error = error;
  a.took = 40ms;
  a.target = "192.0.2.20:7101";
  a.started_at = shared_from_ns(2'000);
  a.finished_at = shared_from_ns(2'000) + a.took;
  return a;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(connect_probe)

BOOST_AUTO_TEST_CASE(a_clean_handshake_gives_all_its_values) {
  auto reading = attempt(0);
  reading.kernel_rtt = 39ms;
  const Result result = make_connect_result(order(), reading);
  BOOST_TEST((result.outcome == Outcome::ok));
  BOOST_TEST((result.link() == order().link));
  BOOST_TEST((result.probe == Probe::connect && result.round.number == 7 && result.generation.number == 3));
  BOOST_TEST((result.started_at == shared_from_ns(2'000)));
  BOOST_TEST(result.value_of(Metric::connect)->value == 0.04);
  BOOST_TEST(result.value_of(Metric::connect_clean)->value == 0.04);
  BOOST_TEST(result.value_of(Metric::handshake_rtt)->value == 0.039);
  BOOST_TEST(result.value_of(Metric::resolve) == nullptr);
  BOOST_TEST((*result.ratio_of(Metric::connectivity) == RatioValue{Metric::connectivity, 1, 1}));
  BOOST_TEST(result.detail("syn_retransmits").value() == 0);
  BOOST_TEST(result.reason.empty());
}

BOOST_AUTO_TEST_CASE(a_resent_syn_is_not_clean_and_gives_no_handshake_rtt) {
  auto reading = attempt(0);
  reading.syn_retransmits = 2;
  reading.kernel_rtt = 39ms;
  reading.resolve = 3ms;
  const Result result = make_connect_result(order(), reading);
  BOOST_TEST(result.value_of(Metric::connect)->value == 0.04);
  BOOST_TEST(result.value_of(Metric::connect_clean) == nullptr);
  BOOST_TEST(result.value_of(Metric::handshake_rtt) == nullptr);
  BOOST_TEST(result.value_of(Metric::resolve)->value == 0.003);
  BOOST_TEST(result.detail("syn_retransmits").value() == 2);
}

BOOST_AUTO_TEST_CASE(failures_have_an_outcome_a_reason_and_no_times) {
  const std::pair<int, Outcome> cases[] = {{ECONNREFUSED, Outcome::refused},    {ETIMEDOUT, Outcome::timeout},
                                           {ECONNRESET, Outcome::reset},        {EHOSTUNREACH, Outcome::unreachable},
                                           {ENETUNREACH, Outcome::unreachable}, {EPERM, Outcome::unreachable},
                                           {EAFNOSUPPORT, Outcome::unreachable}};
  for (const auto& [error, outcome] : cases) {
    const Result result = make_connect_result(order(), attempt(error));
    BOOST_TEST((result.outcome == outcome), error);
    BOOST_TEST(result.values.empty());
    BOOST_TEST((*result.ratio_of(Metric::connectivity) == RatioValue{Metric::connectivity, 0, 1}));
    BOOST_TEST(result.reason.contains("192.0.2.20:7101"), result.reason);
  }
}

BOOST_AUTO_TEST_CASE(what_was_not_tried_counts_in_no_ratio) {
  auto reading = attempt(0);
  reading.started_at.reset();
  reading.without_try = Outcome::dns_failed;
  reading.trouble = "athens.example: no such host";
  const Result dns = make_connect_result(order(), reading);
  BOOST_TEST((dns.outcome == Outcome::dns_failed));
  BOOST_TEST(dns.ratios.empty());
  BOOST_TEST(dns.reason == "athens.example: no such host");
  BOOST_TEST(dns.started_at.has_value());

  const Result own_fault = make_connect_result(order(), attempt(EMFILE));
  BOOST_TEST((own_fault.outcome == Outcome::skipped));
  BOOST_TEST(own_fault.ratios.empty());
  BOOST_TEST(!own_fault.started_at.has_value());
}

BOOST_AUTO_TEST_SUITE_END()
