// What the real kernel tells of the agent's own thread.
#include "agent/io/host_status.h"

#include <boost/test/unit_test.hpp>

#include <cstdio>
#include <thread>

using namespace sonde;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(host_status)

BOOST_AUTO_TEST_CASE(each_wait_for_a_cpu_is_in_the_account_of_the_thread) {
  const std::optional<CpuAccount> before = io::read_own_cpu_account();
  if (!before) {
    std::printf("skipped: the kernel has no /proc/thread-self/schedstat\n");
    return;
  }
  for (int i = 0; i < 20; ++i) std::this_thread::sleep_for(1ms);
  const std::optional<CpuAccount> after = io::read_own_cpu_account();
  BOOST_TEST_REQUIRE(after.has_value());
  BOOST_TEST(after->turns >= before->turns + 20);
  BOOST_TEST((after->waited >= before->waited));
}

BOOST_AUTO_TEST_SUITE_END()
