#include "agent/core/send_window.h"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <deque>

using namespace sonde;
using namespace std::chrono_literals;

namespace {

constexpr std::uint32_t mss = 1448;

/// A line with a token bucket before it; a segment is acknowledged a round trip after it has left the line. What the
/// sender may write it writes, at most `kernel` segments under way, asked every 5 ms.
struct Link {
  double octets_per_second;
  nanoseconds rtt;
  std::uint64_t bucket = 0;
  std::uint32_t kernel = 200;
  SendWindow window{};
  MonoTime now = mono_from_ns(1'000'000);
  MonoTime line_free = now;
  std::deque<std::pair<MonoTime, nanoseconds>> under_way{};  ///< acknowledged when, after how long
  std::uint64_t acked = 0;
  std::uint64_t left_bucket = bucket;
  nanoseconds last_rtt = rtt;
  std::uint32_t most_out = 0;
  std::uint32_t most_queued = 0;
  std::optional<nanoseconds> opened{};

  void write_one() {
    MonoTime left = now;
    if (left_bucket >= mss) {
      left_bucket -= mss;
    } else {
      line_free = std::max(line_free, now) + from_seconds(mss / octets_per_second);
      left = line_free;
    }
    under_way.emplace_back(left + rtt, left + rtt - now);
  }
  Link& run(nanoseconds length) {
    const MonoTime until = now + length;
    for (; now < until; now += 5ms) {
      while (!under_way.empty() && under_way.front().first <= now) {
        acked += mss;
        last_rtt = under_way.front().second;
        under_way.pop_front();
      }
      const auto out = static_cast<std::uint32_t>(under_way.size());
      const auto room = window.room(now, {acked, out, mss, rtt, last_rtt});
      if (!room && !opened) opened = now.time_since_epoch();
      const std::uint32_t more = room ? static_cast<std::uint32_t>(*room / mss) : kernel - std::min(kernel, out);
      for (std::uint32_t i = 0; i < more; ++i) write_one();
      const auto queued = to_seconds(std::max<nanoseconds>(line_free - now, 0ns)) * octets_per_second / mss;
      most_queued = std::max(most_queued, static_cast<std::uint32_t>(queued));
      most_out = std::max(most_out, static_cast<std::uint32_t>(under_way.size()));
    }
    return *this;
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(send_window)

BOOST_AUTO_TEST_CASE(it_begins_with_four_segments) {
  SendWindow window;
  BOOST_TEST(window.room(mono_from_ns(0), {0, 0, mss, 10ms, 0ns}).value() == 4 * mss);
  BOOST_TEST(window.room(mono_from_ns(0), {0, 4, mss, 10ms, 0ns}).value() == 0U);
}

BOOST_AUTO_TEST_CASE(a_link_that_is_not_slow_opens_once_no_bucket_can_hide_its_rate) {
  for (const nanoseconds rtt : {1ms, 40ms, 300ms}) {
    Link link{50e6 / 8, rtt};
    link.run(600ms + 7 * rtt);
    BOOST_TEST_REQUIRE(link.opened.has_value(), rtt.count());
    BOOST_TEST(link.window.open());
  }
}

BOOST_AUTO_TEST_CASE(a_slow_link_is_held_to_what_it_holds_and_a_few_segments) {
  Link tiny{8'900 / 8.0, 1100ms};
  tiny.run(60s);
  BOOST_TEST(!tiny.opened.has_value());
  BOOST_TEST(tiny.most_out <= 5U);
  Link modem{33'600 / 8.0, 400ms};
  modem.run(60s);
  BOOST_TEST(!modem.opened.has_value());
  BOOST_TEST(modem.most_out <= 8U);
}

BOOST_AUTO_TEST_CASE(a_slow_link_is_kept_full) {
  for (const nanoseconds rtt : {1ms, 60ms, 600ms}) {
    Link link{300e3 / 8, rtt};
    link.run(5s);
    const std::uint64_t before = link.acked;
    link.run(10s);
    const double share = static_cast<double>(link.acked - before) / (link.octets_per_second * 10);
    BOOST_TEST(share > 0.99, rtt.count() << ": " << share);
  }
}

BOOST_AUTO_TEST_CASE(a_bucket_on_a_slow_link_does_not_end_in_a_flood) {
  for (const std::uint64_t bucket : {30'000U, 100'000U, 250'000U}) {
    Link link{22'000 / 8.0, 2ms, bucket};
    link.run(60s);
    BOOST_TEST(link.most_queued <= 12U, bucket << ": " << link.most_queued);
  }
}

BOOST_AUTO_TEST_CASE(a_window_that_opened_too_early_closes_again) {
  Link link{22'000 / 8.0, 50ms, 900'000};
  link.run(60s);
  BOOST_TEST(link.opened.has_value());
  BOOST_TEST(!link.window.open());
}

BOOST_AUTO_TEST_CASE(many_streams_share_what_one_may) {
  SendWindow alone;
  SendWindow of_ten(10);
  const auto room = [](SendWindow& window, double octets_per_second) {
    std::optional<std::uint64_t> last;
    for (int i = 1; i <= 400; ++i)
      last = window.room(mono_from_ns(i * 5'000'000),
                         {static_cast<std::uint64_t>(i * octets_per_second / 200), 4, mss, 20ms, 20ms});
    return last;
  };
  BOOST_TEST(room(alone, 60e3).has_value());    // 0.5 Mbit/s alone is slow
  BOOST_TEST(!room(of_ten, 60e3).has_value());  // ten such streams are not
}

BOOST_AUTO_TEST_CASE(while_a_flood_drains_one_segment_follows_two) {
  SendWindow window;
  std::uint64_t acked = 0;
  std::uint32_t out = 40;
  std::uint32_t sent = 0;
  for (int i = 0; i < 20; ++i) {
    acked += mss;
    --out;
    const auto room = window.room(mono_from_ns(i * 100'000'000LL), {acked, out, mss, 50ms, 2s}).value();
    out += static_cast<std::uint32_t>(room / mss);
    sent += static_cast<std::uint32_t>(room / mss);
  }
  BOOST_TEST(sent == 10U);
}

BOOST_AUTO_TEST_CASE(where_the_end_of_a_flood_was_lost_one_segment_more_goes_out) {
  SendWindow window;
  constexpr nanoseconds rtt = 550ms;
  constexpr nanoseconds segment_time = 700ms;
  std::uint64_t acked = 0;
  MonoTime now = mono_from_ns(0);
  std::uint32_t out = 30;
  const auto ask = [&] {
    const auto room = window.room(now, {acked, out, mss, rtt, 11s}).value();
    out += static_cast<std::uint32_t>(room / mss);
    return room;
  };
  for (int i = 0; i < 15; ++i) {
    acked += mss;
    --out;
    for (const MonoTime next = now + segment_time; now < next; now += 5ms) ask();
  }
  const MonoTime empty = now - segment_time;  // the last acknowledgement: what is still out was lost
  const std::uint32_t lost = out;
  while (out == lost && now < empty + 10s) {
    now += 5ms;
    ask();
  }
  BOOST_TEST((now > empty + segment_time + 200ms));
  BOOST_TEST((now < empty + 3 * segment_time));
  for (int i = 0; i < 10'000; ++i, now += 5ms) ask();
  BOOST_TEST(out > lost);
  BOOST_TEST(out <= lost + 3);  // few, however long it lasts
}

BOOST_AUTO_TEST_CASE(an_acknowledgement_that_comes_late_ends_the_exception) {
  SendWindow window;
  MonoTime now = mono_from_ns(0);
  std::uint64_t acked = 0;
  const auto room = [&](std::uint32_t out) { return window.room(now, {acked, out, mss, 50ms, 800ms}).value(); };
  for (int i = 0; i < 10; ++i, now += 100ms) {
    acked += mss;
    room(12);
  }
  now += 2s;
  const std::uint64_t despite_silence = room(12);
  BOOST_TEST(despite_silence > 0U);
  acked += mss;
  BOOST_TEST(room(12) == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
