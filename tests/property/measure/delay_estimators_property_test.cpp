// Jitter and delay_rise against their definitions, whatever the delays are and however the clocks differ.
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include "shared/measure/delay_floor.h"
#include "shared/measure/jitter.h"

using namespace sonde;
using namespace std::chrono_literals;

namespace {

/// Stamps are whole nanoseconds, and two points that are 2 s apart may carry the line over ten minutes.
constexpr double slope_rounding = 1.5e-9;
constexpr nanoseconds rounding = 1us;

/// A packet as RFC 3550 sees it: when it was sent by the sender's clock, when it came by the receiver's.
struct Packet {
  std::int64_t sent = 0;
  std::int64_t arrived = 0;
  bool behind_a_break = false;
};

/// RFC 3550, 6.4.1: D(i-1,i) = (R_i - R_i-1) - (S_i - S_i-1); J(i) = J(i-1) + (|D(i-1,i)| - J(i-1))/16.
std::optional<double> rfc_3550(const std::vector<Packet>& packets) {
  std::optional<double> j;
  for (std::size_t i = 1; i < packets.size(); ++i) {
    if (packets[i].behind_a_break) continue;
    const auto d =
        static_cast<double>((packets[i].arrived - packets[i - 1].arrived) - (packets[i].sent - packets[i - 1].sent));
    j = j.value_or(0) + (std::abs(d) - j.value_or(0)) / 16;
  }
  return j;
}

std::vector<Packet> some_packets() {
  std::vector<Packet> packets;
  std::int64_t sent = 0;
  const auto offset = *rc::gen::inRange<std::int64_t>(-3'600'000'000'000, 3'600'000'000'000);
  const auto count = *rc::gen::inRange<std::size_t>(0, 60);
  for (std::size_t i = 0; i < count; ++i) {
    sent += *rc::gen::inRange<std::int64_t>(0, 500'000'000);
    const auto delay = *rc::gen::inRange<std::int64_t>(0, 200'000'000);
    packets.push_back({sent, sent + delay + offset, *rc::gen::inRange(0, 10) == 0});
  }
  return packets;
}

/// One-way times with clocks `offset` apart that drift; each bucket of the floor has a packet that met no queue.
struct Path {
  std::int64_t base = *rc::gen::inRange<std::int64_t>(0, 300'000'000);
  std::int64_t offset = *rc::gen::inRange<std::int64_t>(-36'000'000'000'000, 36'000'000'000'000);
  double drift = *rc::gen::inRange(-95, 96) * 1e-6;

  nanoseconds forward(MonoTime at, std::int64_t queue) const {
    return nanoseconds(base + queue + offset + std::llround(drift * static_cast<double>(to_ns(at))));
  }
};

/// A floor that has heard five packets in each bucket, one of them without a queue, for two to sixteen minutes.
struct Heard {
  DelayFloor::Line line;
  MonoTime newest;
  std::vector<std::pair<MonoTime, std::int64_t>> queues;

  /// Of the rises of the window from the queues, in ns.
  std::int64_t furthest(const Path& path) const {
    std::int64_t most = 0;
    for (const auto& [when, queue] : queues)
      if (newest - when <= DelayFloor::window)
        most = std::max(most, std::abs(DelayFloor::rise(line, when, path.forward(when, queue)).count() - queue));
    return most;
  }
};

template <typename Queue>
Heard hear(const Path& path, Queue queue) {
  DelayFloor floor;
  Heard heard;
  const auto buckets = *rc::gen::inRange(14, 100);  // from just above least_history to more than the window
  for (int bucket = 0; bucket < buckets; ++bucket) {
    const auto empty = *rc::gen::inRange(0, 5);
    for (int i = 0; i < 5; ++i) {
      const std::int64_t waits = i == empty ? 0 : queue();
      heard.newest = MonoTime(bucket * 10s + i * 2s);
      floor.on_sample(heard.newest, path.forward(heard.newest, waits));
      heard.queues.emplace_back(heard.newest, waits);
    }
  }
  const auto line = floor.line(true);
  RC_ASSERT(line.has_value());
  heard.line = *line;
  return heard;
}

std::int64_t any_queue() { return *rc::gen::inRange<std::int64_t>(0, 400'000'000); }

}  // namespace

BOOST_AUTO_TEST_SUITE(delay_estimator_properties)

BOOST_AUTO_TEST_CASE(jitter_is_that_of_rfc_3550) {
  BOOST_TEST(rc::check("over any packets, with clocks that disagree", [] {
    const auto packets = some_packets();
    Jitter jitter;
    for (const Packet& packet : packets) {
      if (packet.behind_a_break) jitter.break_sequence();
      jitter.on_transit(nanoseconds(packet.arrived - packet.sent));
    }
    const auto expected = rfc_3550(packets);
    RC_ASSERT(jitter.seconds().has_value() == expected.has_value());
    if (expected) RC_ASSERT(std::abs(*jitter.seconds() * 1e9 - *expected) <= 1e-6 * (1 + *expected));
  }));
}

BOOST_AUTO_TEST_CASE(jitter_does_not_see_the_offset_and_stays_below_the_largest_difference) {
  BOOST_TEST(rc::check("any transits", [] {
    const auto transits =
        *rc::gen::container<std::vector<std::int64_t>>(rc::gen::inRange<std::int64_t>(0, 1'000'000'000));
    const nanoseconds offset(*rc::gen::inRange<std::int64_t>(-1'000'000'000'000, 1'000'000'000'000));
    Jitter plain;
    Jitter shifted;
    for (const std::int64_t transit : transits) {
      plain.on_transit(nanoseconds(transit));
      shifted.on_transit(nanoseconds(transit) + offset);
    }
    RC_ASSERT(plain.seconds() == shifted.seconds());
    if (!plain.seconds()) return;
    std::int64_t largest = 0;
    for (std::size_t i = 1; i < transits.size(); ++i)
      largest = std::max(largest, std::abs(transits[i] - transits[i - 1]));
    RC_ASSERT(*plain.seconds() >= 0);
    RC_ASSERT(*plain.seconds() <= static_cast<double>(largest) / 1e9);
  }));
}

BOOST_AUTO_TEST_CASE(the_rise_is_the_queue_whatever_the_clocks_do) {
  BOOST_TEST(rc::check("drift within 100 ppm, any offset", [] {
    const Path path;
    // Queues that no drift within a bucket hides: the floor is exact.
    const Heard heard = hear(path, [] { return any_queue() + 2'000'000; });
    RC_ASSERT(std::abs(heard.line.slope - path.drift) < slope_rounding);
    RC_ASSERT(heard.furthest(path) <= rounding.count());
  }));
}

BOOST_AUTO_TEST_CASE(the_rise_is_off_by_no_more_than_what_the_clocks_drift_in_a_bucket) {
  BOOST_TEST(rc::check("any queues, also shorter than that", [] {
    const Path path;
    const Heard heard = hear(path, [] { return *rc::gen::inRange<std::int64_t>(0, 3'000'000); });
    const double drifted = std::abs(path.drift) * static_cast<double>(DelayFloor::bucket.count());
    RC_ASSERT(static_cast<double>(heard.furthest(path)) <= 2 * drifted + static_cast<double>(rounding.count()));
  }));
}

BOOST_AUTO_TEST_CASE(without_drift_removal_the_rise_is_above_the_least_of_ten_minutes) {
  BOOST_TEST(rc::check("any delays at any times", [] {
    const auto count = *rc::gen::inRange<std::size_t>(1, 200);
    DelayFloor floor;
    std::vector<std::pair<MonoTime, nanoseconds>> all;
    MonoTime at;
    for (std::size_t i = 0; i < count; ++i) {
      at += nanoseconds(*rc::gen::inRange<std::int64_t>(0, 30'000'000'000));
      const nanoseconds forward(*rc::gen::inRange<std::int64_t>(-1'000'000'000, 1'000'000'000));
      floor.on_sample(at, forward);
      all.emplace_back(at, forward);
      nanoseconds sure = nanoseconds::max();  // of the window less the bucket that may be cut
      nanoseconds possible = nanoseconds::max();
      for (const auto& [when, what] : all) {
        if (at - when <= DelayFloor::window - DelayFloor::bucket) sure = std::min(sure, what);
        if (at - when <= DelayFloor::window + DelayFloor::bucket) possible = std::min(possible, what);
      }
      const nanoseconds rise = DelayFloor::rise(*floor.line(false), at, forward);
      RC_ASSERT(rise >= forward - sure);
      RC_ASSERT(rise <= forward - possible);
    }
  }));
}

BOOST_AUTO_TEST_CASE(after_ten_minutes_a_longer_path_is_the_floor) {
  BOOST_TEST(rc::check("a lasting change of the way", [] {
    Path path;
    DelayFloor floor;
    MonoTime at;
    for (; at < MonoTime(12min); at += 5s) floor.on_sample(at, path.forward(at, 0));
    const std::int64_t longer = *rc::gen::inRange<std::int64_t>(1, 200'000'000);
    path.base += longer;
    floor.on_sample(at, path.forward(at, 0));
    const nanoseconds at_once = DelayFloor::rise(*floor.line(true), at, path.forward(at, 0));
    RC_ASSERT(std::abs(at_once.count() - longer) <= rounding.count());
    for (; at < MonoTime(23min); at += 5s) floor.on_sample(at, path.forward(at, 0));
    const nanoseconds later = DelayFloor::rise(*floor.line(true), at - 5s, path.forward(at - 5s, 0));
    RC_ASSERT(later <= rounding);
  }));
}

BOOST_AUTO_TEST_CASE(a_floor_that_is_reset_knows_nothing_of_what_was_before) {
  BOOST_TEST(rc::check("a step of a clock", [] {
    Path path;
    DelayFloor floor;
    MonoTime at;
    for (; at < MonoTime(5min); at += 5s) floor.on_sample(at, path.forward(at, 0));
    floor.reset();
    RC_ASSERT(!floor.line(true).has_value());
    path.offset += *rc::gen::inRange<std::int64_t>(-1'000'000'000, 1'000'000'000);
    floor.on_sample(at, path.forward(at, 0));
    RC_ASSERT(DelayFloor::rise(*floor.line(true), at, path.forward(at, 0)) == 0ns);
  }));
}

BOOST_AUTO_TEST_SUITE_END()
