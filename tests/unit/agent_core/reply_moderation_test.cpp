#include "agent/core/reply_moderation.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <utility>

using namespace sonde;
using namespace std::chrono_literals;

namespace {

/// `rate` requests a second for `lasting`, each read when it comes or, where they gather, with the others. The longest
/// that one waited.
struct Requests {
  ReplyModeration moderation;
  MonoTime now{1h};
  std::optional<MonoTime> read_at;
  std::size_t waiting = 0;
  int readings = 0;

  nanoseconds come(int rate, nanoseconds lasting) {
    const nanoseconds gap = nanoseconds(1s) / rate;
    nanoseconds longest{0};
    MonoTime oldest = now;
    readings = 0;
    for (const MonoTime end = now + lasting; now < end; now += gap) {
      if (read_at && now > *read_at) {
        if (waiting > 0) longest = std::max(longest, *read_at - oldest);
        read(*read_at);
      }
      if (waiting++ == 0) oldest = now;
      if (!read_at) read(now);
    }
    return longest;
  }

 private:
  void read(MonoTime at) {
    read_at = moderation.after_reading(at, std::exchange(waiting, 0));
    ++readings;
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(reply_moderation)

BOOST_AUTO_TEST_CASE(a_mesh_of_fifty_sites_is_answered_at_once) {
  Requests requests;
  BOOST_TEST(requests.come(245, 10s) == 0ns);
  BOOST_TEST(requests.readings >= 2450);
}

BOOST_AUTO_TEST_CASE(a_thousand_a_second_gather_for_five_milliseconds_at_most) {
  Requests requests;
  requests.come(1000, 1s);
  const nanoseconds longest = requests.come(1000, 10s);
  BOOST_TEST(longest > 3ms);
  BOOST_TEST(longest <= ReplyModeration::gather_for);
  BOOST_TEST(requests.readings <= 2100);
}

BOOST_AUTO_TEST_CASE(a_burst_that_is_over_is_forgotten) {
  Requests requests;
  requests.come(2000, 1s);
  requests.come(10, 1s);
  BOOST_TEST(requests.come(10, 10s) == 0ns);
}

BOOST_AUTO_TEST_CASE(the_first_request_after_a_long_silence_does_not_wait) {
  ReplyModeration moderation;
  BOOST_TEST(!moderation.after_reading(MonoTime(1h), 64).has_value());
  BOOST_TEST(moderation.after_reading(MonoTime(1h + 60ms), 64).has_value());
  BOOST_TEST(!moderation.after_reading(MonoTime(2h), 1).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
