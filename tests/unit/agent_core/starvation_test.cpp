// A busy host starves the agent only where the agent itself waits.
#include "agent/core/starvation.h"

#include <boost/test/unit_test.hpp>

using namespace sonde;
using namespace std::chrono_literals;

namespace {

Result connect_run() {
  Result result;
  result.probe = Probe::connect;
  result.outcome = Outcome::ok;
  return result;
}

/// Seconds in which the thread got a CPU a hundred times, each after this wait.
void pass(Starvation& starvation, int seconds, std::optional<double> pressure, nanoseconds wait_each) {
  static CpuAccount account;
  for (int second = 0; second < seconds; ++second) {
    account.waited += 100 * wait_each;
    account.turns += 100;
    starvation.update(pressure, account);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(starvation)

BOOST_AUTO_TEST_CASE(a_host_that_is_busy_with_lower_work_starves_nobody) {
  Starvation starvation;
  pass(starvation, 12, 1.0, 40us);
  BOOST_TEST(!starvation.starving());
  Result result = connect_run();
  starvation.mark(result);
  BOOST_TEST(!result.has(Tag::starved));
  BOOST_TEST(result.details.empty());
}

BOOST_AUTO_TEST_CASE(who_waits_on_a_busy_host_is_starved_and_says_for_how_long) {
  Starvation starvation;
  pass(starvation, 12, 0.5, 1500us);
  BOOST_TEST(starvation.starving());
  Result result = connect_run();
  starvation.mark(result);
  BOOST_TEST(result.has(Tag::starved));
  BOOST_TEST(result.detail("cpu_pressure").value() == 0.5);
  BOOST_TEST(result.detail("cpu_wait_s").value() == 0.0015, boost::test_tools::tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(who_waits_on_a_host_that_is_not_busy_is_not_starved) {
  Starvation starvation;
  pass(starvation, 12, 0.49, 5ms);
  BOOST_TEST(!starvation.starving());
}

BOOST_AUTO_TEST_CASE(only_the_last_ten_seconds_count) {
  Starvation starvation;
  pass(starvation, 20, 1.0, 5ms);
  pass(starvation, 10, 1.0, 10us);
  BOOST_TEST((starvation.mean_wait() == 10us));
  BOOST_TEST(!starvation.starving());
}

BOOST_AUTO_TEST_CASE(what_the_kernel_does_not_tell) {
  Starvation without_account;
  without_account.update(0.8, std::nullopt);
  BOOST_TEST(without_account.starving());
  Result result = connect_run();
  without_account.mark(result);
  BOOST_TEST(result.has(Tag::starved));
  BOOST_TEST(!result.detail("cpu_wait_s").has_value());
  Starvation without_pressure;
  pass(without_pressure, 12, std::nullopt, 50ms);
  BOOST_TEST(!without_pressure.starving());
}

BOOST_AUTO_TEST_CASE(latency_and_what_was_not_tried_are_judged_elsewhere) {
  Starvation starvation;
  pass(starvation, 12, 1.0, 5ms);
  Result latency = connect_run();
  latency.probe = Probe::latency;
  starvation.mark(latency);
  BOOST_TEST(!latency.has(Tag::starved));
  Result skipped = connect_run();
  skipped.outcome = Outcome::skipped;
  starvation.mark(skipped);
  BOOST_TEST(!skipped.has(Tag::starved));
}

BOOST_AUTO_TEST_SUITE_END()
