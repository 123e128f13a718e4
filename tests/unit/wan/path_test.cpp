#include "tests/wan/path.h"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

#include <vector>

namespace {

using namespace sonde;
using namespace sonde::wan;
using namespace std::chrono_literals;

MonoTime at(nanoseconds t) { return MonoTime(t); }

Path path_with(const PathSettings& settings, std::uint64_t seed = 1) {
  Path path(seed, 7);
  path.set(settings);
  return path;
}

std::size_t lost_of(Path& path, int packets) {
  std::size_t lost = 0;
  for (int i = 0; i < packets; ++i) lost += path.on_packet(at(i * 1ms), 100).drop == Drop::loss;
  return lost;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(path)

BOOST_AUTO_TEST_CASE(a_plain_path_delays_and_nothing_else) {
  auto path = path_with({.delay = 10ms});
  const Fate fate = path.on_packet(at(5ms), 1500);
  BOOST_TEST((fate.drop == Drop::none));
  BOOST_TEST(fate.copies == 1U);
  BOOST_TEST((fate.departs[0] == at(15ms)));
}

BOOST_AUTO_TEST_CASE(the_rate_spaces_packets_by_their_ip_octets) {
  auto path = path_with({.delay = 1ms, .rate = BitsPerSecond{8e6}, .queue = Bytes{10'000}});
  // 1,000 octets at 8 Mbit/s take 1 ms.
  BOOST_TEST((path.on_packet(at(0ms), 1000).departs[0] == at(2ms)));
  BOOST_TEST((path.on_packet(at(0ms), 1000).departs[0] == at(3ms)));
  BOOST_TEST((path.on_packet(at(0ms), 500).departs[0] == at(3500us)));
  BOOST_TEST((path.on_packet(at(10ms), 1000).departs[0] == at(12ms)));
}

BOOST_AUTO_TEST_CASE(a_full_queue_drops_and_takes_again_when_it_drained) {
  auto path = path_with({.rate = BitsPerSecond{8e6}, .queue = Bytes{2500}});
  BOOST_TEST((path.on_packet(at(0ms), 1000).drop == Drop::none));
  BOOST_TEST((path.on_packet(at(0ms), 1000).drop == Drop::none));
  BOOST_TEST((path.on_packet(at(0ms), 1000).drop == Drop::queue));
  BOOST_TEST((path.on_packet(at(1ms), 1000).drop == Drop::none));
}

BOOST_AUTO_TEST_CASE(a_queue_may_be_given_as_time) {
  auto path = path_with({.rate = BitsPerSecond{8e6}, .queue = nanoseconds(2ms)});
  BOOST_TEST((path.on_packet(at(0ms), 1000).drop == Drop::none));
  BOOST_TEST((path.on_packet(at(0ms), 1000).drop == Drop::none));
  BOOST_TEST((path.on_packet(at(0ms), 1000).drop == Drop::queue));
}

BOOST_AUTO_TEST_CASE(an_idle_line_takes_a_packet_longer_than_its_queue) {
  auto path = path_with({.rate = BitsPerSecond{8900}, .queue = Bytes{100}});
  BOOST_TEST((path.on_packet(at(0ms), 1500).drop == Drop::none));
  BOOST_TEST((path.on_packet(at(0ms), 1500).drop == Drop::queue));
}

BOOST_AUTO_TEST_CASE(a_bucket_passes_its_burst_at_once_and_then_the_rate) {
  auto path = path_with({.rate = BitsPerSecond{8e6}, .bucket = Bytes{3000}});
  for (int i = 0; i < 3; ++i) BOOST_TEST((path.on_packet(at(0ms), 1000).departs[0] == at(0ms)));
  BOOST_TEST((path.on_packet(at(0ms), 1000).departs[0] == at(1ms)));
  // 10 ms later the bucket is full again.
  for (int i = 0; i < 3; ++i) BOOST_TEST((path.on_packet(at(10ms), 1000).departs[0] == at(10ms)));
  BOOST_TEST((path.on_packet(at(10ms), 1000).departs[0] == at(11ms)));
}

BOOST_AUTO_TEST_CASE(a_smaller_bucket_is_not_in_debt_for_the_larger_one) {
  auto path = path_with({.rate = BitsPerSecond{8e3}, .queue = Bytes{2000}, .bucket = Bytes{100'000}});
  for (int i = 0; i < 90; ++i) path.on_packet(at(0ms), 1000);
  path.set({.rate = BitsPerSecond{8e6}, .queue = Bytes{2000}, .bucket = Bytes{3000}});
  for (int i = 0; i < 3; ++i) BOOST_TEST((path.on_packet(at(1ms), 1000).departs[0] == at(1ms)));
  BOOST_TEST((path.on_packet(at(1ms), 1000).departs[0] == at(2ms)));
}

BOOST_AUTO_TEST_CASE(what_waits_at_a_change_still_takes_its_place_in_the_queue) {
  auto path = path_with({.rate = BitsPerSecond{8e3}, .queue = Bytes{9000}});
  for (int i = 0; i < 4; ++i) path.on_packet(at(0ms), 1000);
  path.set({.rate = BitsPerSecond{8e6}, .queue = Bytes{9000}, .bucket = Bytes{3000}});
  for (int i = 0; i < 5; ++i) BOOST_TEST((path.on_packet(at(0ms), 1000).drop == Drop::none));
  BOOST_TEST((path.on_packet(at(0ms), 1000).drop == Drop::queue));
}

BOOST_AUTO_TEST_CASE(down_and_too_large_are_told_apart) {
  auto path = path_with({.mtu = 1400});
  BOOST_TEST((path.on_packet(at(0ms), 1401).drop == Drop::mtu));
  path.set({.up = false});
  BOOST_TEST((path.on_packet(at(0ms), 100).drop == Drop::down));
}

BOOST_AUTO_TEST_CASE(the_loss_ratio_is_met_and_repeats_with_its_seed) {
  auto path = path_with({.loss = 0.05});
  auto again = path_with({.loss = 0.05});
  auto other = path_with({.loss = 0.05}, 2);
  std::size_t differing = 0;
  std::size_t lost = 0;
  for (int i = 0; i < 20'000; ++i) {
    const bool one = path.on_packet(at(i * 1ms), 100).drop == Drop::loss;
    BOOST_TEST_REQUIRE(one == (again.on_packet(at(i * 2ms), 200).drop == Drop::loss));
    differing += one != (other.on_packet(at(i * 1ms), 100).drop == Drop::loss);
    lost += one;
  }
  BOOST_TEST(lost > 850U);
  BOOST_TEST(lost < 1150U);
  BOOST_TEST(differing > 1000U);
}

BOOST_AUTO_TEST_CASE(all_and_nothing_are_exact) {
  auto all = path_with({.loss = 1});
  BOOST_TEST(lost_of(all, 1000) == 1000U);
  auto nothing = path_with({.loss = 0});
  BOOST_TEST(lost_of(nothing, 1000) == 0U);
}

BOOST_AUTO_TEST_CASE(bursts_keep_the_ratio_and_have_their_mean_length) {
  auto path = path_with({.loss = 0.1, .loss_burst = 5});
  std::size_t lost = 0;
  std::size_t bursts = 0;
  bool before = false;
  for (int i = 0; i < 100'000; ++i) {
    const bool now = path.on_packet(at(i * 1ms), 100).drop == Drop::loss;
    lost += now;
    bursts += now && !before;
    before = now;
  }
  const double mean_length = static_cast<double>(lost) / static_cast<double>(bursts);
  BOOST_TEST(lost > 9'000U);
  BOOST_TEST(lost < 11'000U);
  BOOST_TEST(mean_length > 4.6);
  BOOST_TEST(mean_length < 5.4);
}

BOOST_AUTO_TEST_CASE(duplicates_come_twice) {
  auto path = path_with({.duplicate = 1});
  BOOST_TEST(path.on_packet(at(0ms), 100).copies == 2U);
}

BOOST_AUTO_TEST_CASE(a_held_back_packet_is_overtaken) {
  auto path = path_with({.delay = 5ms, .reorder = 1, .reorder_by = 3ms});
  BOOST_TEST((path.on_packet(at(0ms), 100).departs[0] == at(8ms)));
  path.set({.delay = 5ms});
  BOOST_TEST((path.on_packet(at(1ms), 100).departs[0] == at(6ms)));
}

BOOST_AUTO_TEST_CASE(a_shorter_delay_does_not_overtake_what_is_under_way) {
  auto path = path_with({.delay = 50ms});
  BOOST_TEST((path.on_packet(at(0ms), 100).departs[0] == at(50ms)));
  path.set({.delay = 1ms});
  BOOST_TEST((path.on_packet(at(1ms), 100).departs[0] == at(50ms)));
  BOOST_TEST((path.on_packet(at(60ms), 100).departs[0] == at(61ms)));
}

BOOST_AUTO_TEST_CASE(property_jitter_never_reorders_and_stays_in_its_bounds) {
  rc::check("jitter", [](std::uint64_t seed, const std::vector<std::uint16_t>& gaps) {
    auto path = path_with({.delay = 10ms, .jitter = 4ms}, seed);
    nanoseconds now{0};
    MonoTime last;
    for (const auto gap : gaps) {
      now += nanoseconds(gap) * 100;
      const MonoTime departs = path.on_packet(at(now), 100).departs[0];
      RC_ASSERT(departs >= last);
      RC_ASSERT(departs >= at(now + 6ms));
      RC_ASSERT(departs <= at(now + 14ms));
      last = departs;
    }
  });
}

BOOST_AUTO_TEST_CASE(property_no_window_carries_more_than_rate_and_bucket) {
  rc::check("rate", [](std::uint8_t bucket, const std::vector<std::uint16_t>& sizes) {
    const Bytes burst{bucket * 20U};
    auto path = path_with({.rate = BitsPerSecond{1e6}, .queue = Bytes{1'000'000}, .bucket = burst});
    double octets = 0;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const auto size = static_cast<std::uint32_t>(sizes[i] % 1481 + 20);
      const Fate fate = path.on_packet(at(nanoseconds(i * 1000)), size);
      if (fate.drop != Drop::none) continue;
      octets += size;
      // Everything that has left by then had to be sent at the rate, but for the bucket.
      RC_ASSERT(octets * 8 / 1e6 <= to_seconds(fate.departs[0].time_since_epoch()) + 8e-6 * double(burst.count) + 1e-6);
    }
  });
}

BOOST_AUTO_TEST_SUITE_END()
