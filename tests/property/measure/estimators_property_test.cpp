// Any fate of any probe on a path that keeps their order: the estimators know what happened.
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <set>
#include <vector>

#include "shared/measure/arrival_order.h"
#include "shared/measure/delay_floor.h"
#include "shared/measure/direction_loss.h"
#include "shared/measure/latency_sample.h"

using namespace sonde;
using namespace std::chrono_literals;

namespace {

enum class Fate { answered, lost_there, lost_back, never_left };

struct Truth {
  std::uint64_t answered = 0;
  std::uint64_t there = 0;
  std::uint64_t back = 0;
};

/// Plays the fates and ends with an answered probe, so that nothing stays open.
Truth play(const std::vector<Fate>& fates, std::uint32_t first, DirectionLoss& loss) {
  Truth truth;
  std::uint32_t sequence = first;
  std::uint32_t reflected = 0;
  MonoTime now;
  const auto one = [&](Fate fate) {
    now += 100ms;
    ProbeFate probe{.sequence = sequence++, .sent = now, .left_host = fate != Fate::never_left, .reply = {}};
    if (fate == Fate::answered) probe.reply = {.reflected = reflected, .received = now + 10ms};
    if (fate == Fate::answered || fate == Fate::lost_back) ++reflected;
    truth.answered += fate == Fate::answered;
    truth.there += fate == Fate::lost_there;
    truth.back += fate == Fate::lost_back;
    loss.on_probe(probe);
  };
  one(Fate::answered);
  for (const Fate fate : fates) one(fate);
  one(Fate::answered);
  return truth;
}

rc::Gen<std::vector<Fate>> some_fates() {
  return rc::gen::container<std::vector<Fate>>(
      rc::gen::element(Fate::answered, Fate::answered, Fate::lost_there, Fate::lost_back, Fate::never_left));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(estimator_properties)

BOOST_AUTO_TEST_CASE(losses_are_told_apart_exactly) {
  BOOST_TEST(rc::check("both directions", [] {
    DirectionLoss loss;
    const Truth truth = play(*some_fates(), *rc::gen::arbitrary<std::uint32_t>(), loss);
    const LossCounts counts = loss.take();
    RC_ASSERT(counts.arrived == truth.answered);
    RC_ASSERT(counts.forward_lost == truth.there);
    RC_ASSERT(counts.reverse_lost == truth.back);
    RC_ASSERT(counts.unattributed == 0U);
    RC_ASSERT(loss.restarts() == 0U);
  }));
}

BOOST_AUTO_TEST_CASE(results_cut_anywhere_add_up_to_the_same) {
  BOOST_TEST(rc::check("cut into results", [] {
    const auto fates = *some_fates();
    const auto cuts = *rc::gen::container<std::set<std::size_t>>(rc::gen::inRange<std::size_t>(0, fates.size() + 2));
    DirectionLoss whole;
    const Truth truth = play(fates, 0, whole);
    DirectionLoss loss;
    LossCounts total;
    const auto take = [&] {
      const LossCounts part = loss.take();
      total.arrived += part.arrived;
      total.forward_lost += part.forward_lost + part.older_forward_lost;
      total.reverse_lost += part.reverse_lost + part.older_reverse_lost;
    };
    std::uint32_t reflected = 0;
    std::vector<Fate> script = fates;
    script.insert(script.begin(), Fate::answered);
    script.push_back(Fate::answered);
    for (std::size_t i = 0; i < script.size(); ++i) {
      ProbeFate probe{.sequence = static_cast<std::uint32_t>(i),
                      .sent = MonoTime(std::chrono::seconds(i)),
                      .left_host = script[i] != Fate::never_left,
                      .reply = {}};
      if (script[i] == Fate::answered) probe.reply = {.reflected = reflected, .received = probe.sent + 10ms};
      if (script[i] == Fate::answered || script[i] == Fate::lost_back) ++reflected;
      loss.on_probe(probe);
      if (cuts.contains(i)) take();
    }
    take();
    RC_ASSERT(total.arrived == truth.answered);
    RC_ASSERT(total.forward_lost == truth.there);
    RC_ASSERT(total.reverse_lost == truth.back);
  }));
}

BOOST_AUTO_TEST_CASE(whatever_a_peer_numbers_its_replies_the_counts_stay_within_what_was_sent) {
  BOOST_TEST(rc::check("hostile reflector", [](const std::vector<std::pair<bool, std::uint32_t>>& replies) {
    DirectionLoss loss;
    std::uint64_t unanswered = 0;
    for (std::size_t i = 0; i < replies.size(); ++i) {
      ProbeFate probe{
          .sequence = static_cast<std::uint32_t>(i), .sent = MonoTime(std::chrono::seconds(i)), .reply = {}};
      if (replies[i].first)
        probe.reply = {.reflected = replies[i].second, .extra_copies = replies[i].second % 3, .received = probe.sent};
      else
        ++unanswered;
      loss.on_probe(probe);
    }
    const LossCounts counts = loss.take();
    RC_ASSERT(counts.forward_lost + counts.reverse_lost + counts.unattributed <= unanswered);
  }));
}

BOOST_AUTO_TEST_CASE(reordering_agrees_with_the_definition) {
  BOOST_TEST(rc::check("RFC 4737: s < NextExp at arrival", [] {
    // Arrival order as a permutation of the probes.
    std::vector<std::uint32_t> order(*rc::gen::inRange<std::size_t>(1, 40));
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::uint32_t>(i);
    for (std::size_t i = order.size(); i-- > 1;) std::swap(order[i], order[*rc::gen::inRange<std::size_t>(0, i + 1)]);
    std::uint64_t expected = 0;
    std::uint32_t next_expected = 0;
    std::vector<Arrival> arrivals(order.size());
    for (std::uint32_t r = 0; r < order.size(); ++r) {
      expected += order[r] < next_expected;
      next_expected = std::max(next_expected, order[r] + 1);
      arrivals[order[r]] = {order[r], r, 0};
    }
    const OrderCounts counts = count_order(arrivals, static_cast<std::uint32_t>(order.size()) - 1);
    RC_ASSERT(counts.arrived == order.size());
    RC_ASSERT(counts.reordered == expected);
  }));
}

BOOST_AUTO_TEST_CASE(the_round_trip_is_the_sum_of_both_ways_whatever_the_offset) {
  BOOST_TEST(rc::check("rtt", [] {
    const auto there = nanoseconds(*rc::gen::inRange<std::int64_t>(0, 10'000'000'000));
    const auto back = nanoseconds(*rc::gen::inRange<std::int64_t>(0, 10'000'000'000));
    const auto hold = nanoseconds(*rc::gen::inRange<std::int64_t>(0, 1'000'000'000));
    const auto offset = nanoseconds(*rc::gen::inRange<std::int64_t>(-1'000'000'000'000, 1'000'000'000'000));
    const WallTime t1 = wall_from_ns(1'700'000'000'000'000'000);
    ProbeStamps stamps;
    stamps.sent = t1;
    stamps.reflector_in = t1 + there + offset;
    stamps.reflector_out = t1 + there + hold + offset;
    stamps.received = t1 + there + hold + back;
    const auto sample = make_sample(stamps);
    RC_ASSERT(sample.has_value());
    RC_ASSERT(sample->rtt == there + back);
    RC_ASSERT(sample->forward == there + offset);
    RC_ASSERT(same_clocks(*sample, *sample, 0s));
  }));
}

BOOST_AUTO_TEST_CASE(the_floor_is_below_every_bucket_and_rises_are_never_negative) {
  BOOST_TEST(rc::check("delay floor", [](const std::vector<std::uint32_t>& delays) {
    DelayFloor floor;
    MonoTime at;
    for (const std::uint32_t delay : delays) {
      at += 7s;
      floor.on_sample(at, nanoseconds(delay % 50'000'000));
      for (const bool remove_drift : {false, true})
        RC_ASSERT(DelayFloor::rise(*floor.line(remove_drift), at, nanoseconds(delay % 50'000'000)) >= 0ns);
    }
    if (delays.empty()) return;
    const auto plain = floor.line(false);
    const auto recent = std::min<std::size_t>(delays.size(), 80);
    for (std::size_t i = delays.size() - recent; i < delays.size(); ++i)
      RC_ASSERT(plain->offset_ns <= static_cast<double>(delays[i] % 50'000'000));
  }));
}

BOOST_AUTO_TEST_SUITE_END()
