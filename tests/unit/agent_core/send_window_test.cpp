#include "agent/core/send_window.h"

#include <boost/test/unit_test.hpp>

#include <cmath>

using namespace sonde;
using namespace std::chrono_literals;

namespace {

constexpr std::uint32_t mss = 1448;

/// A link that acknowledges at its rate, one round trip after the first write; what the sender may write, it writes.
struct Link {
  double octets_per_second;
  nanoseconds rtt;
  SendWindow window;
  MonoTime now = mono_from_ns(1'000);
  MonoTime began = now;
  std::uint64_t written = 0;
  std::uint32_t most_out = 0;

  std::uint64_t acked() const {
    const double since = to_seconds(now - began - rtt);
    const auto could = since <= 0 ? 0 : static_cast<std::uint64_t>(since * octets_per_second / mss) * mss;
    return std::min(written, could);
  }
  /// Until the window opens or `length` is over.
  bool opens_within(nanoseconds length) {
    for (; now < began + length; now += 5ms) {
      const auto out = static_cast<std::uint32_t>((written - acked()) / mss);
      const auto room = window.room(now, {acked(), out, mss, rtt});
      if (!room) return true;
      written += *room / mss * mss;
      most_out = std::max(most_out, static_cast<std::uint32_t>((written - acked()) / mss));
    }
    return false;
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(send_window)

BOOST_AUTO_TEST_CASE(it_begins_with_four_segments) {
  SendWindow window;
  BOOST_TEST(window.room(mono_from_ns(0), {0, 0, mss, 10ms}).value() == 4 * mss);
  BOOST_TEST(window.room(mono_from_ns(0), {0, 4, mss, 10ms}).value() == 0U);
}

BOOST_AUTO_TEST_CASE(a_link_that_is_not_slow_opens_after_a_round_trip) {
  for (const nanoseconds rtt : {1ms, 40ms, 500ms}) {
    Link link{50e6 / 8, rtt, {}};
    BOOST_TEST(link.opens_within(rtt + 50ms));
    BOOST_TEST(link.window.open());
  }
}

BOOST_AUTO_TEST_CASE(a_slow_link_is_held_to_what_it_holds_and_a_few_segments) {
  Link tiny{8'900 / 8.0, 1100ms, {}};
  BOOST_TEST(!tiny.opens_within(40s));
  BOOST_TEST(tiny.most_out <= 5U);
  Link modem{33'600 / 8.0, 400ms, {}};
  BOOST_TEST(!modem.opens_within(40s));
  BOOST_TEST(modem.most_out <= 8U);
}

BOOST_AUTO_TEST_CASE(a_slow_link_is_kept_full) {
  Link link{500e3 / 8, 600ms, {}};
  BOOST_TEST(!link.opens_within(20s));
  const double share = static_cast<double>(link.acked()) / (link.octets_per_second * 19.4);
  BOOST_TEST(share > 0.9, share);
}

BOOST_AUTO_TEST_SUITE_END()
