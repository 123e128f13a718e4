// A sender, a reflector and the coordinator's join in virtual time, over a network that a script decides on: whatever
// is lost, the directions add up to the truth.
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

#include <set>

#include "coordinator/core/loss_join.h"
#include "tests/unit/agent_core/latency_world.h"

using namespace sonde;
using namespace sonde::test;

namespace {

enum class Fate { answered, lost_there, lost_back, twice };

/// Plays the fates, one for each probe (the last one for all that follow), and joins each result in the order in which
/// they come. `answers(k)` decides whether the far agent answers for the k-th.
struct Joined {
  Joined(const std::vector<Fate>& fates, const std::function<bool(std::size_t)>& answers, int intervals) {
    world.network = [&](std::uint32_t s) {
      const Fate fate = fates.empty() ? Fate::answered : fates[std::min<std::size_t>(s, fates.size() - 1)];
      there += fate == Fate::lost_there ? 1U : 0U;
      ++sent;
      return Path{.lost_there = fate == Fate::lost_there,
                  .lost_back = fate == Fate::lost_back,
                  .twice_there = fate == Fate::twice};
    };
    world.start();
    world.run_until(intervals * 10s + 3s);
    for (std::size_t k = 0; k < world.results.size(); ++k) join(world.results[k], k, answers(k));
  }

  void join(const Result& result, std::size_t k, bool answer) {
    LossJoin::Out out;
    StoreBatch batch{.site = berlin, .spool = 1, .after = k, .up_to = k + 1, .results = {result}};
    losses.add(MonoTime(1s), std::move(batch), [](const SiteId&) { return true; }, out);
    for (const auto& [to, asked] : out.questions) {
      wire::ArrivalAnswers said;
      for (const wire::ArrivalQuestion& question : asked.questions) {
        const auto count = world.reflector.count_arrivals({.id = question.id,
                                                           .from = {own.address},
                                                           .ssid = question.ssid,
                                                           .first = question.first,
                                                           .last = question.last,
                                                           .sent_at = world.clock.wall(question.sent_at)});
        said.answers.push_back({question.id, count.known, count.received});
      }
      if (answer) losses.on_answers(to, said, out);
    }
    losses.tick(MonoTime(1s) + LossJoin::patience, out);
    for (StoreBatch& ready : out.ready)
      for (Result& joined : ready.results) results.push_back(std::move(joined));
  }

  RatioValue pooled(Metric metric) const {
    RatioValue sum{metric, 0, 0};
    for (const Result& result : results)
      if (const RatioValue* ratio = result.ratio_of(metric)) {
        sum.hits += ratio->hits;
        sum.tries += ratio->tries;
      }
    return sum;
  }

  LatencyWorld world;
  LossJoin losses;
  std::vector<Result> results;
  std::uint64_t sent = 0;
  std::uint64_t there = 0;
};

bool always(std::size_t) { return true; }
bool never(std::size_t) { return false; }

std::vector<Fate> from_probe(std::size_t first, Fate fate) {
  std::vector<Fate> fates(first, Fate::answered);
  fates.push_back(fate);
  return fates;
}

void expect(const Result& result, std::uint64_t hits, std::uint64_t tries) {
  const RatioValue* loss = result.ratio_of(Metric::loss);
  BOOST_TEST_REQUIRE((loss != nullptr), "no loss of the result at " << format_rfc3339(result.scheduled_at));
  BOOST_TEST(loss->hits == hits);
  BOOST_TEST(loss->tries == tries);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(loss_join)

BOOST_AUTO_TEST_CASE(a_cut_way_there_is_forward_loss_from_its_first_result_on) {
  const Joined joined(from_probe(70, Fate::lost_there), always, 4);
  BOOST_TEST_REQUIRE(joined.results.size() == 4U);
  expect(joined.results[0], 0, 50);
  expect(joined.results[1], 30, 50);
  expect(joined.results[2], 50, 50);
  expect(joined.results[3], 50, 50);
  BOOST_TEST(*joined.results[3].detail("unattributed") == 0);
  BOOST_TEST(*joined.results[3].detail("far_received") == 0);
}

BOOST_AUTO_TEST_CASE(a_cut_way_back_is_no_forward_loss) {
  const Joined joined(from_probe(70, Fate::lost_back), always, 4);
  expect(joined.results[1], 0, 50);
  expect(joined.results[3], 0, 50);
  BOOST_TEST(*joined.results[3].detail("reverse_lost") == 50);
  BOOST_TEST(*joined.results[3].detail("far_received") == 50);
  BOOST_TEST(joined.results[3].ratio_of(Metric::loss_rtt)->hits == 50U);
}

BOOST_AUTO_TEST_CASE(without_the_far_half_a_cut_has_no_direction) {
  const Joined joined(from_probe(70, Fate::lost_there), never, 4);
  BOOST_CHECK(joined.results[3].ratio_of(Metric::loss) == nullptr);
  BOOST_TEST(joined.losses.counters().unanswered == 3U);
  BOOST_TEST(joined.losses.waiting() == 0U);
}

BOOST_AUTO_TEST_CASE(what_the_next_reply_says_again_is_not_counted_twice) {
  std::vector<Fate> fates(45, Fate::answered);
  fates.insert(fates.end(), 10, Fate::lost_there);
  fates.push_back(Fate::answered);
  const Joined with(fates, always, 2);
  expect(with.results[0], 5, 50);
  expect(with.results[1], 5, 50);
  const Joined without(fates, never, 2);
  expect(without.results[0], 0, 45);
  expect(without.results[1], 10, 55);
}

BOOST_AUTO_TEST_CASE(after_a_restart_of_the_coordinator_it_is_still_counted_once) {
  std::vector<Fate> fates(45, Fate::answered);
  fates.insert(fates.end(), 10, Fate::lost_there);
  fates.push_back(Fate::answered);
  Joined joined(fates, always, 2);
  LossJoin again;
  again.restore(joined.results[0]);
  LossJoin::Out out;
  again.add(
      MonoTime(1s), {.site = berlin, .spool = 1, .after = 1, .up_to = 2, .results = {joined.world.results[1]}},
      [](const SiteId&) { return false; }, out);
  BOOST_TEST_REQUIRE(out.ready.size() == 1U);
  expect(out.ready[0].results[0], 5, 50);
}

BOOST_AUTO_TEST_CASE(whatever_is_lost_the_directions_add_up_to_the_truth) {
  BOOST_TEST(rc::check("all answered", [] {
    const auto fates = *rc::gen::container<std::vector<Fate>>(
        rc::gen::element(Fate::answered, Fate::answered, Fate::lost_there, Fate::lost_back));
    const Joined joined(fates, always, 3);
    const RatioValue loss = joined.pooled(Metric::loss);
    // The first probes that were sent behind the last interval's end belong to no result yet.
    RC_ASSERT(joined.results.size() == 3U);
    std::uint64_t there = 0;
    for (std::size_t s = 0; s < 150; ++s)
      there += !fates.empty() && fates[std::min(s, fates.size() - 1)] == Fate::lost_there ? 1U : 0U;
    // Before the first reply of a stream nothing is known but by the far count, which covers tails only.
    const double head = joined.results[0].detail("unattributed").value_or(0) +
                        joined.results[1].detail("unattributed").value_or(0) +
                        joined.results[2].detail("unattributed").value_or(0);
    RC_ASSERT(static_cast<double>(loss.tries) + head == 150.0);
    RC_ASSERT(loss.hits <= there);
    RC_ASSERT(static_cast<double>(there - loss.hits) <= head);
  }));
  BOOST_TEST(rc::check("answered or not", [](const std::set<std::size_t>& deaf) {
    const auto fates = *rc::gen::container<std::vector<Fate>>(
        200, rc::gen::element(Fate::answered, Fate::lost_there, Fate::lost_back, Fate::twice));
    const Joined joined(fates, [&](std::size_t k) { return !deaf.contains(k); }, 3);
    const RatioValue loss = joined.pooled(Metric::loss);
    RC_ASSERT(loss.tries <= 150U);
    RC_ASSERT(loss.hits <= loss.tries);
  }));
}

BOOST_AUTO_TEST_SUITE_END()
