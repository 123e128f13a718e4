#include "agent/core/transfer_desk.h"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>

#include "shared/measure/throughput.h"

using namespace sonde;
using namespace std::chrono_literals;

namespace {

const SiteId berlin = SiteId::known("berlin");
const SiteId athens = SiteId::known("athens");
const SiteId gdansk = SiteId::known("gdansk");
const wire::Token token{1, 2, 3};

/// One site's desk in virtual time, and what it has put out since the last look.
struct Script {
  explicit Script(const SiteId& self) : desk(self) {}

  TransferNow now() const {
    return {mono, shared_from_ns(to_ns(mono) + 1'000'000), wall_from_ns(to_ns(mono) + 5'000'000'000)};
  }
  ThroughputOrder order(const SiteId& to = athens, nanoseconds slot = 10s) const {
    ThroughputOrder o;
    o.link = {berlin, to};
    o.round = {4};
    o.generation = {9};
    o.scheduled_at = shared_from_ns(77);
    o.slot_end = mono + slot;
    o.addresses = {"192.0.2.20"};
    o.port = 7101;
    o.duration = 2s;
    o.max_duration = 60s;
    o.max_bytes = {1'000'000};
    return o;
  }
  Script& start(const ThroughputOrder& o, const wire::Token& t = token) {
    out = {};
    desk.start(now(), o, t, out);
    collect();
    return *this;
  }
  Script& hear(const SiteId& from, const wire::Message& message) {
    out = {};
    desk.on_message(now(), from, message, out);
    collect();
    return *this;
  }
  Script& report(const TransferReport& r) {
    out = {};
    desk.on_report(now(), r, out);
    collect();
    return *this;
  }
  Script& wait(nanoseconds length) {
    out = {};
    const MonoTime until = mono + length;
    while (desk.next_deadline() && *desk.next_deadline() <= until) {
      mono = std::max(mono, *desk.next_deadline());
      desk.tick(now(), out);
    }
    mono = until;
    collect();
    return *this;
  }
  void collect() { results.insert(results.end(), out.results.begin(), out.results.end()); }

  template <typename T>
  const T* sent() const {
    for (const auto& m : out.messages)
      if (const T* found = std::get_if<T>(&m.message)) return found;
    return nullptr;
  }
  template <typename T>
  const T* told() const {
    for (const auto& c : out.commands)
      if (const T* found = std::get_if<T>(&c)) return found;
    return nullptr;
  }
  const Result& only_result() const {
    BOOST_TEST_REQUIRE(results.size() == 1U);
    return results.front();
  }

  MonoTime mono = mono_from_ns(50'000'000'000);
  TransferDesk desk;
  TransferOut out;
  std::vector<Result> results;
};

wire::TransferAnswer ready() { return {token, Outcome::ok, {}}; }
wire::TransferFinished finished() {
  wire::TransferFinished f;
  f.token = token;
  f.tags = static_cast<std::uint32_t>(Tag::settled);
  f.values = {{Metric::throughput, 5e6}, {Metric::throughput_total, 4e6}};
  f.details = {{"bytes", 1e6}};
  return f;
}
SenderEnded stopped() {
  SenderEnded ended;
  ended.token = token;
  ended.stats.bytes_acked = 1'000'000;
  ended.stats.acked_in = 2s;
  ended.stats.retransmits = 3;
  ended.stats.min_rtt = 20ms;
  ended.stats.busy = 2s;
  ended.stats.rwnd_limited = 500ms;
  ended.stats.streams = {{500, 0}, {501, 3}};
  return ended;
}
/// Up to the phase in which data flow.
Script writing() {
  Script s(berlin);
  s.start(s.order()).hear(athens, ready()).report(StreamsOpen{token}).hear(athens, wire::TransferGo{token});
  return s;
}
wire::TransferOffer offer(const SiteId& from = berlin) {
  wire::TransferOffer o;
  o.token = token;
  o.link = {from, athens};
  o.duration = 2s;
  o.max_duration = 8s;
  o.max_bytes = {1'000'000};
  return o;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(transfer_initiator)

BOOST_AUTO_TEST_CASE(a_whole_run) {
  Script s(berlin);
  s.start(s.order());
  BOOST_TEST_REQUIRE(s.sent<wire::TransferOffer>());
  BOOST_TEST((s.out.messages[0].to == athens));
  BOOST_TEST((s.sent<wire::TransferOffer>()->max_duration < 10s));
  BOOST_TEST((s.sent<wire::TransferOffer>()->duration == 2s));
  s.hear(athens, ready());
  BOOST_TEST_REQUIRE(s.told<OpenStreams>());
  BOOST_TEST(s.told<OpenStreams>()->max_bytes.count == 1'000'000U);
  s.report(StreamsOpen{token});
  BOOST_TEST(!s.told<StartWriting>());
  s.hear(athens, wire::TransferGo{token});
  BOOST_TEST(s.told<StartWriting>());
  s.wait(2s).hear(athens, finished());
  BOOST_TEST(s.told<StopSending>());
  BOOST_TEST(s.results.empty());
  s.report(stopped());
  const Result& result = s.only_result();
  BOOST_TEST((result.outcome == Outcome::ok));
  BOOST_TEST((result.link() == Link{berlin, athens} && result.probe == Probe::throughput));
  BOOST_TEST((result.round.number == 4 && result.generation.number == 9));
  BOOST_TEST((result.finished_at - *result.started_at == 2s));
  BOOST_TEST(result.has(Tag::settled));
  BOOST_TEST(result.value_of(Metric::throughput)->value == 5e6);
  BOOST_TEST(result.value_of(Metric::throughput_total)->value == 4e6);  // 8 Mbit in 2 s, at the sender
  BOOST_TEST(result.value_of(Metric::retransmits)->value == 3);
  BOOST_TEST(result.detail("total_at_sender").value() == 1);
  BOOST_TEST(result.detail("rwnd_limited_ratio").value() == 0.25);
  BOOST_TEST(result.detail("congestion_limited_ratio").value() == 0.75);
  BOOST_TEST(result.detail("limited_by").value() == static_cast<double>(ThroughputLimit::path));
  BOOST_TEST(result.detail("stream_1_packets").value() == 501);
  BOOST_TEST(result.detail("stream_1_retransmits").value() == 3);
  BOOST_TEST(!s.desk.busy());
  BOOST_TEST(s.desk.stats().finished_ok == 1U);
}

BOOST_AUTO_TEST_CASE(the_time_in_which_data_may_flow_is_told_with_its_end_one_round_trip_after_the_reset) {
  Script s(berlin);
  s.start(s.order()).hear(athens, ready()).report(StreamsOpen{token});
  BOOST_TEST((s.out.activities.empty() && s.desk.running().empty()));
  s.hear(athens, wire::TransferGo{token});
  const TransferActivity begun{{berlin, athens}, TransferRole::sends, s.now().wall, std::nullopt};
  BOOST_TEST_REQUIRE(s.out.activities.size() == 1U);
  BOOST_TEST((s.out.activities.front() == begun));
  s.report(TransferProgress{token, 4711}).report(TransferProgress{{9}, 1});
  BOOST_TEST_REQUIRE(s.desk.running().size() == 1U);
  BOOST_TEST(s.desk.running()[0].bytes == 4711U);
  BOOST_TEST((s.desk.running()[0].activity == begun && s.desk.running()[0].since == s.mono));
  SenderEnded ended = stopped();
  ended.stats.rtt = 300ms;
  s.wait(2s).hear(athens, finished()).report(ended);
  BOOST_TEST_REQUIRE(s.out.activities.size() == 1U);
  BOOST_TEST((s.out.activities.front() == TransferActivity{begun.link, begun.role, begun.start, begun.start + 2300ms}));
  BOOST_TEST(s.desk.running().empty());
}

BOOST_AUTO_TEST_CASE(a_run_without_data_loads_nothing) {
  Script s(berlin);
  s.start(s.order()).hear(athens, ready()).report(SenderEnded{token, Outcome::refused, "why", {}});
  BOOST_TEST(s.out.activities.empty());
}

BOOST_AUTO_TEST_CASE(without_the_senders_total_the_receivers_stands) {
  Script s = writing();
  SenderEnded ended = stopped();
  ended.stats.bytes_acked = 0;
  s.hear(athens, finished()).report(ended);
  BOOST_TEST(s.only_result().value_of(Metric::throughput_total)->value == 4e6);
  BOOST_TEST(s.only_result().detail("total_at_sender").value() == 0);
}

BOOST_AUTO_TEST_CASE(no_answer_is_a_timeout) {
  Script s(berlin);
  s.start(s.order()).wait(transfer_limits::answer);
  BOOST_TEST((s.only_result().outcome == Outcome::timeout));
  BOOST_TEST(s.sent<wire::TransferAbort>());
  BOOST_TEST(!s.desk.busy());
}

BOOST_AUTO_TEST_CASE(busy_is_asked_again_for_a_while_and_is_then_the_outcome) {
  Script s(berlin);
  s.start(s.order());
  for (int i = 0; i < 40 && s.results.empty(); ++i) {
    s.hear(athens, wire::TransferAnswer{token, Outcome::busy, "receiving from gdansk"}).wait(100ms);
    BOOST_TEST((s.results.empty() == (s.sent<wire::TransferOffer>() != nullptr)));
  }
  BOOST_TEST((s.only_result().outcome == Outcome::busy));
  BOOST_TEST(!s.only_result().started_at.has_value());
  BOOST_TEST(s.only_result().reason == "the far agent is busy: receiving from gdansk");
}

BOOST_AUTO_TEST_CASE(busy_and_then_ready_is_a_run) {
  Script s(berlin);
  s.start(s.order()).hear(athens, wire::TransferAnswer{token, Outcome::busy, ""}).wait(100ms).hear(athens, ready());
  BOOST_TEST(s.told<OpenStreams>());
}

BOOST_AUTO_TEST_CASE(a_refusal_is_the_outcome) {
  Script s(berlin);
  s.start(s.order()).hear(athens, wire::TransferAnswer{token, Outcome::refused, "not a member"});
  BOOST_TEST((s.only_result().outcome == Outcome::refused));
  BOOST_TEST(s.only_result().reason == "the far agent refused: not a member");
}

BOOST_AUTO_TEST_CASE(data_connections_that_fail_give_their_outcome) {
  for (const Outcome outcome : {Outcome::refused, Outcome::unreachable, Outcome::timeout, Outcome::dns_failed}) {
    Script s(berlin);
    s.start(s.order()).hear(athens, ready()).report(SenderEnded{token, outcome, "data connection: why", {}});
    BOOST_TEST((s.only_result().outcome == outcome));
    BOOST_TEST(s.only_result().reason == "data connection: why");
    BOOST_TEST(s.sent<wire::TransferAbort>());
  }
}

BOOST_AUTO_TEST_CASE(no_go_is_a_timeout_and_stops_the_mover) {
  Script s(berlin);
  s.start(s.order()).hear(athens, ready()).report(StreamsOpen{token}).wait(5s);
  BOOST_TEST(s.told<StopSending>());
  BOOST_TEST(s.results.empty());
  s.report(stopped());
  BOOST_TEST((s.only_result().outcome == Outcome::timeout));
  BOOST_TEST(s.only_result().reason == "the far agent did not say go");
}

BOOST_AUTO_TEST_CASE(a_mover_that_never_ends_does_not_hold_the_result) {
  Script s(berlin);
  s.start(s.order()).hear(athens, ready()).wait(30s);
  BOOST_TEST((s.only_result().outcome == Outcome::timeout));
}

BOOST_AUTO_TEST_CASE(the_slots_end_stops_the_data_and_the_report_still_counts) {
  Script s = writing();
  s.wait(10s - transfer_limits::slot_guard - 1ms);
  BOOST_TEST(!s.told<StopSending>());
  s.wait(1ms);
  BOOST_TEST(s.told<StopSending>());
  s.report(stopped()).hear(athens, finished());
  BOOST_TEST((s.only_result().outcome == Outcome::ok));
}

BOOST_AUTO_TEST_CASE(no_report_after_the_end_is_a_timeout) {
  Script s = writing();
  s.wait(20s);
  BOOST_TEST((s.only_result().outcome == Outcome::timeout));
  BOOST_TEST(s.only_result().values.empty());
}

BOOST_AUTO_TEST_CASE(a_reset_while_writing_waits_for_the_report) {
  const SenderEnded lost{token, Outcome::reset, "data connection lost", {}};
  Script with_report = writing();
  with_report.report(lost).hear(athens, finished());
  BOOST_TEST((with_report.only_result().outcome == Outcome::ok));
  Script without = writing();
  without.report(lost).wait(transfer_limits::last_report);
  BOOST_TEST((without.only_result().outcome == Outcome::reset));
  BOOST_TEST(without.only_result().reason == "data connection lost");
}

BOOST_AUTO_TEST_CASE(an_abort_ends_the_run) {
  Script early(berlin);
  early.start(early.order()).hear(athens, wire::TransferAbort{token, "stopping"});
  BOOST_TEST((early.only_result().outcome == Outcome::reset));
  BOOST_TEST(early.only_result().reason == "the far agent gave up: stopping");
  Script late = writing();
  late.hear(athens, wire::TransferAbort{token, "stopping"});
  BOOST_TEST(late.told<StopSending>());
  late.report(stopped());
  BOOST_TEST((late.only_result().outcome == Outcome::reset));
}

BOOST_AUTO_TEST_CASE(the_far_sides_failure_is_the_outcome) {
  Script s = writing();
  auto failed = finished();
  failed.outcome = Outcome::timeout;
  failed.reason = "the data stopped";
  s.hear(athens, failed).report(stopped());
  BOOST_TEST((s.only_result().outcome == Outcome::timeout));
  BOOST_TEST(s.only_result().values.empty());
  BOOST_TEST(s.only_result().detail("bytes").value() == 1e6);
}

BOOST_AUTO_TEST_CASE(impossible_values_are_left_out_and_counted) {
  Script s = writing();
  auto lies = finished();
  lies.values = {{Metric::throughput, -1}, {Metric::rtt, 1}, {Metric::throughput_total, std::nan("")}};
  lies.details = {{"", 1}, {"bytes", std::numeric_limits<double>::infinity()}};
  lies.tags = ~0U;
  s.hear(athens, lies).report(SenderEnded{token, Outcome::ok, {}, {}});
  BOOST_TEST(s.only_result().value_of(Metric::throughput) == nullptr);
  BOOST_TEST(s.only_result().value_of(Metric::rtt) == nullptr);
  BOOST_TEST(!s.only_result().has(Tag::clock_stepped));
  BOOST_TEST(s.desk.stats().refused_values == 5U);
}

BOOST_AUTO_TEST_CASE(a_slot_that_is_nearly_over_is_skipped) {
  Script s(berlin);
  s.start(s.order(athens, 300ms));
  BOOST_TEST((s.only_result().outcome == Outcome::skipped));
  BOOST_TEST(!s.only_result().started_at.has_value());
  BOOST_TEST(s.out.messages.empty());
}

BOOST_AUTO_TEST_CASE(messages_of_strangers_change_nothing) {
  Script s(berlin);
  s.start(s.order()).hear(gdansk, ready());
  BOOST_TEST(!s.told<OpenStreams>());
  s.hear(athens, wire::TransferAnswer{{9}, Outcome::ok, {}});
  BOOST_TEST(!s.told<OpenStreams>());
  BOOST_TEST(s.desk.stats().stray_messages == 2U);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(transfer_responder)

BOOST_AUTO_TEST_CASE(a_whole_run) {
  Script s(athens);
  s.hear(berlin, offer());
  BOOST_TEST_REQUIRE(s.sent<wire::TransferAnswer>());
  BOOST_TEST((s.sent<wire::TransferAnswer>()->outcome == Outcome::ok));
  BOOST_TEST_REQUIRE(s.told<ReceiveStreams>());
  BOOST_TEST((s.told<ReceiveStreams>()->max_duration == 8s));
  s.report(ReceiverReady{token});
  BOOST_TEST(s.sent<wire::TransferGo>());
  const TransferActivity begun{{berlin, athens}, TransferRole::receives, s.now().wall, std::nullopt};
  BOOST_TEST((s.out.activities == std::vector{begun}));
  s.report(TransferProgress{token, 99});
  BOOST_TEST(s.desk.running().at(0).bytes == 99U);
  s.wait(1s).report(ReceiverEnded{finished()});
  BOOST_TEST_REQUIRE(s.sent<wire::TransferFinished>());
  BOOST_TEST((*s.sent<wire::TransferFinished>() == finished()));
  BOOST_TEST(s.desk.busy());
  BOOST_TEST(s.out.activities.empty());
  s.wait(1s).report(ReceiverDrained{token});
  BOOST_TEST(!s.desk.busy());
  BOOST_TEST(
      (s.out.activities == std::vector{TransferActivity{begun.link, begun.role, begun.start, begun.start + 2s}}));
  BOOST_TEST(s.results.empty());
}

BOOST_AUTO_TEST_CASE(impossible_offers_are_refused) {
  std::vector<wire::TransferOffer> offers(6, offer());
  offers[0].streams = 0;
  offers[1].streams = 65;
  offers[2].duration = 0s;
  offers[3].max_duration = 1s;
  offers[4].max_bytes = {};
  offers[5].link.to = gdansk;
  offers.push_back(offer(gdansk));  // sent by berlin
  for (const auto& impossible : offers) {
    Script s(athens);
    s.hear(berlin, impossible);
    BOOST_TEST((s.sent<wire::TransferAnswer>()->outcome == Outcome::refused));
    BOOST_TEST(!s.told<ReceiveStreams>());
    BOOST_TEST(!s.desk.busy());
  }
}

BOOST_AUTO_TEST_CASE(a_second_offer_is_busy) {
  Script s(athens);
  auto second = offer(gdansk);
  second.token = {7};
  s.hear(berlin, offer()).hear(gdansk, second);
  BOOST_TEST((s.sent<wire::TransferAnswer>()->outcome == Outcome::busy));
  BOOST_TEST(s.sent<wire::TransferAnswer>()->reason == "receiving from berlin");
  BOOST_TEST(s.desk.stats().answered_busy == 1U);
}

BOOST_AUTO_TEST_CASE(streams_that_do_not_come_end_it) {
  Script s(athens);
  s.hear(berlin, offer()).wait(20s);
  BOOST_TEST((s.sent<wire::TransferFinished>()->outcome == Outcome::timeout));
  BOOST_TEST(s.told<StopReceiving>());
  s.report(ReceiverDrained{token});
  BOOST_TEST(!s.desk.busy());
}

BOOST_AUTO_TEST_CASE(an_abort_frees_the_site_and_reports_nothing) {
  Script s(athens);
  s.hear(berlin, offer()).hear(gdansk, wire::TransferAbort{token, "not mine"});
  BOOST_TEST(!s.told<StopReceiving>());
  s.hear(berlin, wire::TransferAbort{token, "slot over"});
  BOOST_TEST(s.told<StopReceiving>());
  BOOST_TEST(s.out.messages.empty());
  s.report(ReceiverDrained{token});
  BOOST_TEST(!s.desk.busy());
}

BOOST_AUTO_TEST_CASE(a_mover_that_says_nothing_does_not_hold_the_site) {
  Script s(athens);
  s.hear(berlin, offer()).report(ReceiverReady{token}).wait(60s);
  BOOST_TEST(!s.desk.busy());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(transfer_desk)

BOOST_AUTO_TEST_CASE(an_offer_while_sending_is_busy) {
  Script s = writing();
  wire::TransferOffer back;
  back.token = {5};
  back.link = {athens, berlin};
  back.duration = 1s;
  back.max_duration = 2s;
  back.max_bytes = {1};
  s.hear(athens, back);
  BOOST_TEST((s.sent<wire::TransferAnswer>()->outcome == Outcome::busy));
}

BOOST_AUTO_TEST_CASE(an_order_waits_for_a_run_that_is_ending) {
  Script s = writing();
  s.start(s.order(gdansk), {8});
  BOOST_TEST(s.out.messages.empty());
  s.hear(athens, finished()).report(stopped());
  BOOST_TEST_REQUIRE(s.sent<wire::TransferOffer>());
  BOOST_TEST((s.sent<wire::TransferOffer>()->link.to == gdansk));
}

BOOST_AUTO_TEST_CASE(an_order_that_waits_too_long_is_busy) {
  Script s = writing();
  s.start(s.order(gdansk), {8}).wait(transfer_limits::busy_retry_for);
  BOOST_TEST((s.only_result().outcome == Outcome::busy));
  BOOST_TEST((s.only_result().to == gdansk));
  s.start(s.order(gdansk), {8}).start(s.order(gdansk), {9});
  BOOST_TEST(s.results.size() == 2U);
}

BOOST_AUTO_TEST_CASE(every_order_has_exactly_one_result_whatever_happens) {
  BOOST_TEST(rc::check([] {
    Script s(berlin);
    const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 14));
    std::size_t orders = 0;
    for (const int step : steps) {
      switch (step) {
        case 0:
        case 1:
          s.start(s.order());
          ++orders;
          break;
        case 2:
        case 3: s.hear(athens, ready()); break;
        case 4:
        case 5: s.report(StreamsOpen{token}); break;
        case 6:
        case 7: s.hear(athens, wire::TransferGo{token}); break;
        case 8: s.hear(athens, finished()); break;
        case 9: s.report(stopped()); break;
        case 10: s.hear(athens, wire::TransferAnswer{token, Outcome::busy, ""}); break;
        case 11: s.hear(athens, wire::TransferAbort{token, ""}); break;
        case 12: s.wait(700ms); break;
        default: s.wait(4s); break;
      }
    }
    s.wait(60s);
    RC_ASSERT(s.results.size() == orders);
    RC_ASSERT(!s.desk.busy());
    RC_ASSERT(!s.desk.next_deadline().has_value());
  }));
}

BOOST_AUTO_TEST_SUITE_END()
