// A run of several measurements back to back: one desk in virtual time, and what its result says of each of them.
#include <fmt/format.h>

#include <boost/test/unit_test.hpp>

#include "agent/core/transfer_desk.h"

using namespace sonde;
using namespace std::chrono_literals;

namespace {

const SiteId berlin = SiteId::known("berlin");
const SiteId athens = SiteId::known("athens");
const wire::Token token{1, 2, 3};

/// The far side and the movers of a run with several iterations; each takes a second.
struct Run {
  explicit Run(std::uint32_t iterations, std::uint32_t streams = 1, nanoseconds slot = 30s) : desk(berlin) {
    order.link = {berlin, athens};
    order.round = {4};
    order.scheduled_at = shared_from_ns(77);
    order.slot_end = mono + slot;
    order.addresses = {"192.0.2.20"};
    order.port = 7101;
    order.streams = streams;
    order.iterations = iterations;
    order.duration = 2s;
    order.max_duration = 10s;
    order.max_bytes = {1'000'000};
    TransferOut out;
    desk.start(now(), order, token, out);
    take(out);
  }

  TransferNow now() const {
    return {mono, shared_from_ns(to_ns(mono) + 1'000'000), wall_from_ns(to_ns(mono) + 5'000'000'000)};
  }
  void take(const TransferOut& out) {
    for (const TransferMessage& message : out.messages)
      if (const auto* offer = std::get_if<wire::TransferOffer>(&message.message)) offers.push_back(*offer);
    results.insert(results.end(), out.results.begin(), out.results.end());
    for (const TransferActivity& activity : out.activities) runs_over += activity.end ? 1 : 0;
  }
  void hear(const wire::Message& message) {
    TransferOut out;
    desk.on_message(now(), athens, message, out);
    take(out);
  }
  void report(const TransferReport& what) {
    TransferOut out;
    desk.on_report(now(), what, out);
    take(out);
  }
  void begin() {
    const wire::Token t = offers.back().token;
    hear(wire::TransferAnswer{t, Outcome::ok, {}});
    report(StreamsOpen{t});
    hear(wire::TransferGo{t});
  }
  /// One iteration that moves so much at such a rate; `resent` of 700 segments twice.
  void iterate(double bytes, double bps, std::uint64_t resent = 0) {
    begin();
    mono += 1s;
    const wire::Token t = offers.back().token;
    wire::TransferFinished finished;
    finished.token = t;
    finished.tags = static_cast<std::uint32_t>(Tag::settled);
    finished.values = {{Metric::throughput, bps}, {Metric::throughput_total, bps / 2}};
    finished.details = {{"bytes", bytes}, {"steady_bytes", bytes / 2}, {"reads", 100}, {"knee", 1}};
    SenderEnded ended{.token = t, .reason = {}, .stats = {}};
    ended.stats.bytes_acked = static_cast<std::uint64_t>(bytes);
    ended.stats.acked_in = 1s;
    ended.stats.retransmits = resent;
    for (std::uint32_t s = 0; s < order.streams; ++s) {
      ended.stats.streams.push_back({700, s == 0 ? resent : 0});
      finished.details.push_back({fmt::format("stream_{}_bytes", s), bytes / order.streams});
      finished.details.push_back({fmt::format("stream_{}_bps", s), bps / order.streams});
    }
    hear(finished);
    report(ended);
  }
  const Result& result() const {
    BOOST_TEST_REQUIRE(results.size() == 1U);
    return results.front();
  }
  double detail(std::string_view name) const { return result().detail(name).value_or(-1); }

  MonoTime mono = mono_from_ns(50'000'000'000);
  TransferDesk desk;
  ThroughputOrder order;
  std::vector<wire::TransferOffer> offers;
  std::vector<Result> results;
  int runs_over = 0;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(throughput_iterations)

BOOST_AUTO_TEST_CASE(each_is_a_transfer_of_its_own_and_together_they_are_one_result) {
  Run run(3);
  run.iterate(4e6, 32e6, 2);
  BOOST_TEST(run.results.empty());
  run.iterate(4e6, 16e6, 0);
  run.iterate(8e6, 64e6, 5);
  BOOST_TEST(run.offers.size() == 3U);
  BOOST_TEST((run.offers[0].token != run.offers[1].token && run.offers[1].token != run.offers[2].token));
  BOOST_TEST(run.runs_over == 3);  // the link is told to be loaded during each, and idle between
  const Result& result = run.result();
  BOOST_TEST((result.outcome == Outcome::ok));
  BOOST_TEST(result.has(Tag::settled));
  BOOST_TEST(result.round.number == 4U);
  BOOST_TEST((result.finished_at - *result.started_at == 3s));
  // 2, 2 and 4 MB of steady data took 0.5, 1 and 0.5 s.
  BOOST_TEST(result.value_of(Metric::throughput)->value == 8e6 * 8 / 2, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(result.value_of(Metric::retransmits)->value == 7);
  BOOST_TEST(run.detail("iterations") == 3);
  BOOST_TEST(run.detail("bytes") == 16e6);
  BOOST_TEST(run.detail("packets") == 2100);
  BOOST_TEST(run.detail("iteration_0_bps") == 32e6);
  BOOST_TEST(run.detail("iteration_1_bps") == 16e6);
  BOOST_TEST(run.detail("iteration_2_bytes") == 8e6);
  BOOST_TEST(run.detail("iteration_2_packets") == 700);
  BOOST_TEST(run.detail("iteration_0_retransmits") == 2);
  BOOST_TEST(run.detail("iteration_1_retransmits") == 0);
  BOOST_TEST(run.detail("iteration_2_start_s") == 2);
  BOOST_TEST(!run.desk.busy());
}

BOOST_AUTO_TEST_CASE(each_stream_of_each_has_its_figures_and_so_has_the_sum) {
  Run run(2, 4);
  run.iterate(4e6, 32e6, 3);
  run.iterate(8e6, 32e6, 1);
  BOOST_TEST(run.detail("iteration_0_stream_3_bytes") == 1e6);
  BOOST_TEST(run.detail("iteration_1_stream_3_bytes") == 2e6);
  BOOST_TEST(run.detail("iteration_1_stream_0_bps") == 8e6);
  BOOST_TEST(run.detail("iteration_1_stream_2_packets") == 700);
  BOOST_TEST(run.detail("iteration_0_stream_0_retransmits") == 3);
  BOOST_TEST(run.detail("stream_0_bytes") == 3e6);
  BOOST_TEST(run.detail("stream_0_retransmits") == 4);
  BOOST_TEST(run.detail("stream_0_bps") == 8e6);
  BOOST_TEST(run.detail("packets") == 5600);
}

BOOST_AUTO_TEST_CASE(as_many_as_a_result_may_hold) {
  Run run(4, 64);
  for (int i = 0; i < 4; ++i) run.iterate(6.4e6, 64e6);
  BOOST_TEST(run.detail("iteration_3_stream_63_bytes") == 1e5);
  Run many(100, 2, 300s);
  for (int i = 0; i < 100; ++i) many.iterate(2e6, 16e6);
  BOOST_TEST(many.detail("iteration_99_stream_1_bytes") == 1e6);
  BOOST_TEST(many.result().value_of(Metric::throughput)->value == 16e6, boost::test_tools::tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(the_slot_is_shared_evenly_and_what_is_left_over_goes_to_the_later_ones) {
  Run run(4, 1, 20s);
  BOOST_TEST((run.offers[0].max_duration < 5s));
  run.iterate(4e6, 32e6);  // took 1 s
  BOOST_TEST((run.offers[1].max_duration > run.offers[0].max_duration));
  BOOST_TEST((run.offers[1].max_duration < 19s / 3));
  run.iterate(4e6, 32e6);
  run.iterate(4e6, 32e6);
  BOOST_TEST((run.offers[3].max_duration == 10s));  // its own limit, not the 17 s that are left
}

BOOST_AUTO_TEST_CASE(one_that_fails_ends_the_run_and_says_which_it_was) {
  Run run(3);
  run.iterate(4e6, 32e6);
  run.begin();
  run.hear(wire::TransferAbort{run.offers.back().token, "no memory"});
  run.report(SenderEnded{.token = run.offers.back().token, .reason = {}, .stats = {}});
  const Result& result = run.result();
  BOOST_TEST((result.outcome == Outcome::reset));
  BOOST_TEST(result.reason == "iteration 2 of 3: the far agent gave up: no memory");
  BOOST_TEST(result.values.empty());
  BOOST_TEST(run.detail("iteration_0_bps") == 32e6);
  BOOST_TEST(run.detail("iterations") == 1);
  BOOST_TEST(run.detail("iterations_wanted") == 3);
  BOOST_TEST(!run.desk.busy());
}

BOOST_AUTO_TEST_CASE(a_first_one_that_fails_is_the_run) {
  Run run(3);
  run.hear(wire::TransferAnswer{token, Outcome::refused, "no"});
  BOOST_TEST((run.result().outcome == Outcome::refused));
  BOOST_TEST(run.offers.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_slot_that_is_over_leaves_those_that_were_done) {
  Run run(5, 1, 4s);
  run.iterate(4e6, 32e6);
  run.iterate(4e6, 32e6);
  run.mono += 1500ms;
  run.iterate(4e6, 32e6);  // offered while there was time
  const Result& result = run.result();
  BOOST_TEST((result.outcome == Outcome::ok));
  BOOST_TEST(result.has(Tag::slot_ended));
  BOOST_TEST(run.detail("iterations") == 3);
  BOOST_TEST(result.value_of(Metric::throughput)->value == 32e6, boost::test_tools::tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(progress_goes_on_over_all_of_them) {
  Run run(2);
  run.iterate(4e6, 32e6);
  run.begin();
  run.report(TransferProgress{run.offers.back().token, 500'000});
  BOOST_TEST_REQUIRE(run.desk.running().size() == 1U);
  BOOST_TEST(run.desk.running().front().bytes == 4'500'000U);
}

BOOST_AUTO_TEST_CASE(a_duplex_run_is_one) {
  TransferDesk desk(berlin);
  Run run(1);
  ThroughputOrder order = run.order;
  order.probe = Probe::duplex;
  order.iterations = 3;
  TransferOut out;
  desk.start(run.now(), order, token, out);
  desk.on_message(run.now(), athens, wire::TransferAnswer{token, Outcome::refused, "no"}, out);
  BOOST_TEST(out.results.size() == 1U);
  BOOST_TEST(!desk.busy());
}

BOOST_AUTO_TEST_SUITE_END()
