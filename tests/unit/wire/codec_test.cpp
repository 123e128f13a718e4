#include "shared/wire/codec.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace sonde;
using namespace std::chrono_literals;

namespace {

SiteId berlin() { return SiteId::known("berlin"); }
SiteId athens() { return SiteId::known("athens"); }

Result sample_result() {
  Result result;
  result.id = {berlin(), 0x1122334455667788, 7};
  result.to = athens();
  result.probe = Probe::latency;
  result.generation = {5};
  result.round = {9};
  result.scheduled_at = shared_from_ns(1'000'000'000);
  result.started_at = shared_from_ns(1'000'500'000);
  result.finished_at = shared_from_ns(3'000'000'000);
  result.outcome = Outcome::ok;
  result.set(Tag::unsynced);
  result.reason = "";
  result.values = {{Metric::jitter, 0.25}};
  result.ratios = {{Metric::loss, 1, 50}};
  Distribution rtt;
  for (const std::int64_t sample : {0, 1, 40'000'000, 41'000'000, 90'000'000}) rtt.add(sample);
  result.distributions = {{Metric::rtt, rtt}};
  result.details = {{"sent", 50}};
  return result;
}

Timetable sample_timetable() {
  Timetable t;
  t.generation = {3};
  t.effective_at = shared_from_ns(10);
  t.epoch = shared_from_ns(5);
  t.policy.connect.reset();
  t.throughput_every = 1h;
  t.rounds = 2;
  t.cycle = 11s;
  t.members = {{berlin(),
                {"192.0.2.10", "berlin.example.org"},
                7101,
                true,
                true,
                std::nullopt,
                std::string(40, 'k'),
                Location{52.52, 13.4},
                2},
               {athens(), {"192.0.2.20"}, 862, false, false, ConnectTarget{"192.0.2.20", 443}, "", std::nullopt, 0}};
  t.slots = {{{0}, {berlin(), athens()}, 0s, 5500ms, 15min}};
  t.policy.throughput->full_duplex = true;
  t.policy.throughput->congestion = "cubic";
  t.quiet = {{athens(), {22h, 8h}}};
  t.phases = {{{berlin(), athens()}, 3s, 4s}};
  return t;
}

wire::Heartbeat sample_heartbeat() {
  wire::Heartbeat beat;
  beat.sent_at = wall_from_ns(-1);
  beat.spooled = 3;
  beat.generation = {2};
  beat.send_lateness_p99 = 10ns;
  beat.cpu_pressure = 0.5;
  beat.listen_overflows = 5;
  beat.send_lateness_p50 = 1ns;
  beat.send_lateness_max = 2ns;
  beat.slot_lateness_p50 = 3ns;
  beat.slot_lateness_max = 4ns;
  beat.hold_p50 = 5ns;
  beat.hold_p99 = 6ns;
  beat.hold_max = 7ns;
  beat.lost_stamps = 8;
  beat.results_dropped = 9;
  beat.results_starved = 10;
  beat.clock_offset = 11ns;
  beat.clock_offset_error = 12ns;
  beat.real_time = false;
  return beat;
}

PathTrace sample_trace() {
  return {.began_at = shared_from_ns(9),
          .took = 2s,
          .source = "192.0.2.10:7102",
          .target = "192.0.2.20:7101",
          .hops = {{HopKind::router, "192.0.2.201", 3ms}, {}, {HopKind::target, "192.0.2.20", 40ms}},
          .reached = true,
          .sent = 3,
          .answered = 2,
          .mtu = 1400,
          .mtu_told_by = "192.0.2.202",
          .mtu_black_hole = true,
          .interface = "wan0",
          .interface_mtu = 1500,
          .counters = {{"tx_dropped", 7, 2}},
          .trouble = "none"};
}

std::vector<wire::Message> every_message() {
  const wire::Token token{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  return {wire::Hello{berlin(), "0.1.0", 1, 2, {3}, "boot", 7101},
          sample_heartbeat(),
          wire::ResultBatch{{sample_result()}},
          wire::Goodbye{},
          wire::Welcome{"europe", 6},
          wire::WhoAreYou{},
          wire::HeartbeatReply{wall_from_ns(1), shared_from_ns(2), shared_from_ns(3)},
          wire::NewTimetable{sample_timetable()},
          wire::Acknowledge{1, 2},
          wire::PeerFacts{{{athens(), "boot", std::nullopt}}},
          wire::TransferOffer{token, {3}, {1}, {berlin(), athens()}, 2, 5s, 60s, Bytes{1000}, Probe::duplex, true},
          wire::TransferAnswer{token, Outcome::busy, "another run"},
          wire::TransferGo{token},
          wire::TransferFinished{token, Outcome::ok, "", 1, {{Metric::throughput, 1e6}}, {{"bytes", 10}}},
          wire::TransferAbort{token, "gone"},
          wire::RunOrder{7, Probe::connect, {berlin(), athens()}, shared_from_ns(9), 3s, 2s, 50, 50ms},
          wire::RunProgress{7, 1, 500ms, 1000},
          wire::Inquiry{berlin(), "0.1.0"},
          wire::Situation{
              "europe",
              shared_from_ns(5),
              2s,
              "0.1.0",
              sample_timetable(),
              {{{athens(), berlin()}, Probe::connect, "ok", 3s}, {{berlin(), athens()}, Probe::latency, "never", {}}}},
          wire::ArrivalQuestions{{{8, berlin(), 77, 0xFFFF'FFF0U, 9, shared_from_ns(5)}}},
          wire::ArrivalAnswers{{{8, true, 12}, {9, false, 0}}},
          wire::EvidenceOrder{10, athens(), 20s, true},
          wire::EvidenceTaken{11, athens(), sample_trace()}};
}

wire::Buffer bytes_of(std::initializer_list<int> octets) {
  wire::Buffer buffer;
  for (const int octet : octets) buffer.push_back(static_cast<std::uint8_t>(octet));
  return buffer;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(codec)

BOOST_AUTO_TEST_CASE(every_message_comes_back_as_it_went) {
  const auto messages = every_message();
  BOOST_TEST_REQUIRE(messages.size() == std::variant_size_v<wire::Message>);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    BOOST_TEST_REQUIRE(messages[i].index() == i);
    const auto decoded = wire::decode(wire::encode(messages[i]));
    BOOST_TEST_REQUIRE(decoded.has_value(), "type " << i);
    BOOST_TEST((*decoded == messages[i]), "type " << i);
  }
}

BOOST_AUTO_TEST_CASE(results_and_timetables_come_back_by_themselves) {
  BOOST_TEST((wire::decode_result(wire::encode_result(sample_result())) == sample_result()));
  BOOST_TEST((wire::decode_timetable(wire::encode_timetable(sample_timetable())) == sample_timetable()));
  BOOST_TEST((wire::decode_trace(wire::encode_trace(sample_trace())) == sample_trace()));
}

// Golden octets: written by hand from docs/protocol.md and the MessagePack specification, not by the codec.
BOOST_AUTO_TEST_CASE(the_octets_are_those_of_the_document) {
  const auto acknowledge = bytes_of({0x93, 0x01, 0x08, 0x92, 0x01, 0xcd, 0x01, 0x00});
  BOOST_TEST(wire::encode(wire::Acknowledge{1, 256}) == acknowledge);

  const auto who_are_you = bytes_of({0x93, 0x01, 0x05, 0x90});
  BOOST_TEST(wire::encode(wire::WhoAreYou{}) == who_are_you);

  const auto hello = bytes_of({0x93, 0x01, 0x00, 0x97, 0xa6, 'b',  'e',  'r', 'l',  'i',  'n', 0xa3,
                               '0',  '.',  '1',  0x05, 0x00, 0x02, 0xa1, 'x', 0xcd, 0x1b, 0xbd});
  BOOST_TEST(wire::encode(wire::Hello{berlin(), "0.1", 5, 0, {2}, "x", 7101}) == hello);

  const auto heartbeat =
      bytes_of({0x93, 0x01, 0x01, 0xdc, 0x00, 0x18, 0xff, 0x03, 0x02, 0xc0, 0x0a, 0x00, 0x00,  // to slot lateness p99
                0xcb, 0x3f, 0xe0, 0,    0,    0,    0,    0,    0,    0x05,                    // pressure, overflows
                0xc3, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0xc2, 0xc2});
  BOOST_TEST(wire::encode(sample_heartbeat()) == heartbeat);
  const auto older =
      bytes_of({0x93, 0x01, 0x01, 0x98, 0xff, 0x03, 0x02, 0xc0, 0x0a, 0x00, 0x00, 0xcb, 0x3f, 0xe0, 0, 0, 0, 0, 0, 0});
  const auto heard = wire::decode(older);
  BOOST_TEST_REQUIRE(heard.has_value());
  BOOST_TEST(std::get<wire::Heartbeat>(*heard).listen_overflows == 0U);

  const auto order = bytes_of({0x93, 0x01, 0x0f, 0x98, 0x05, 0x01, 0x92, 0xa1, 'a', 0xa1, 'b',  // id, probe, link
                               0x0a, 0x14, 0x1e, 0x32, 0x28});  // start, length, timeout, probes, interval
  BOOST_TEST(
      wire::encode(wire::RunOrder{
          5, Probe::connect, {SiteId::known("a"), SiteId::known("b")}, shared_from_ns(10), 20ns, 30ns, 50, 40ns}) ==
      order);

  const auto progress = bytes_of({0x93, 0x01, 0x10, 0x94, 0x05, 0x01, 0x0a, 0xcd, 0x01, 0x00});
  BOOST_TEST(wire::encode(wire::RunProgress{5, 1, 10ns, 256}) == progress);

  const auto inquiry = bytes_of({0x93, 0x01, 0x11, 0x92, 0xa1, 'a', 0xa1, '1'});
  BOOST_TEST(wire::encode(wire::Inquiry{SiteId::known("a"), "1"}) == inquiry);
  const auto questions = bytes_of({0x93, 0x01, 0x13, 0x91, 0x91, 0x96, 0x05, 0xa1, 'a', 0x07, 0x09, 0x0a, 0x0b});
  BOOST_TEST(wire::encode(wire::ArrivalQuestions{{{5, SiteId::known("a"), 7, 9, 10, shared_from_ns(11)}}}) ==
             questions);
  const auto answers = bytes_of({0x93, 0x01, 0x14, 0x91, 0x91, 0x93, 0x05, 0xc3, 0x02});
  BOOST_TEST(wire::encode(wire::ArrivalAnswers{{{5, true, 2}}}) == answers);

  Distribution one;
  one.add(1);
  Result result;
  result.id = {SiteId::known("a"), 2, 3};
  result.to = SiteId::known("b");
  result.finished_at = shared_from_ns(1);
  result.distributions = {{Metric::rtt, one}};
  const auto golden = bytes_of({0xdc, 0x00, 0x11,                          // 17 fields
                                0xa1, 'a',  0x02, 0x03, 0xa1, 'b',  0x00,  // id, to, probe
                                0x00, 0x00, 0x00, 0xc0, 0x01, 0x00, 0x00,  // generation, round, times, outcome, tags
                                0xa0, 0x90, 0x90,                          // reason, values, ratios
                                0x91, 0x92, 0x00,                          // one distribution of rtt
                                0x9b, 0x00, 0x01, 0x01, 0x00, 0x01, 0x00, 0x01, 0x01,  // 1.0 is whole
                                0x92, 0x00, 0x01,                                      // bucket 0: one sample
                                0xcf, 0,    0,    0,    1,    0,    0,    0,    0,     // 2^96: high
                                0x00,                                                  // and low
                                0x90});
  BOOST_TEST(wire::encode_result(result) == golden);
}

BOOST_AUTO_TEST_CASE(evidence_has_the_octets_of_the_document) {
  const auto evidence_order = bytes_of({0x93, 0x01, 0x15, 0x94, 0x05, 0xa1, 'a', 0x0a, 0xc3});
  BOOST_TEST(wire::encode(wire::EvidenceOrder{5, SiteId::known("a"), 10ns, true}) == evidence_order);
  const auto evidence = bytes_of({0x93, 0x01, 0x16, 0x93, 0x05, 0xa1, 'a',                     // id, to
                                  0x9f, 0x01, 0x02, 0xa1, 's',  0xa1, 't',                     // times, flow
                                  0x92, 0x93, 0x01, 0xa1, 'r',  0x03, 0x93, 0x00, 0xa0, 0xc0,  // hops
                                  0xc2, 0x03, 0x01, 0x50, 0xa0, 0xc3,                          // reached to black hole
                                  0xa1, 'w',  0x60, 0x91, 0x93, 0xa1, 'c',  0x09, 0x04, 0xa1, '?'});  // interface
  PathTrace trace;
  trace.began_at = shared_from_ns(1);
  trace.took = 2ns;
  trace.source = "s";
  trace.target = "t";
  trace.hops = {{HopKind::router, "r", 3ns}, {}};
  trace.sent = 3;
  trace.answered = 1;
  trace.mtu = 0x50;
  trace.mtu_black_hole = true;
  trace.interface = "w";
  trace.interface_mtu = 0x60;
  trace.counters = {{"c", 9, 4}};
  trace.trouble = "?";
  BOOST_TEST(wire::encode(wire::EvidenceTaken{5, SiteId::known("a"), trace}) == evidence);
}

BOOST_AUTO_TEST_CASE(a_distribution_of_an_older_program_ends_before_the_exact_sum_of_inverses) {
  // zeros 0, from 2 to 2, sums 6 and 12, three halves as a float, bucket 35 with three samples
  const auto golden =
      bytes_of({0xdc, 0x00, 0x11, 0xa1, 'a',  0x02, 0x03, 0xa1, 'b',  0x00, 0x00, 0x00, 0x00, 0xc0, 0x01,
                0x00, 0x00, 0xa0, 0x90, 0x90, 0x91, 0x92, 0x00, 0x99, 0x00, 0x02, 0x02, 0x00, 0x06, 0x00,
                0x0c, 0xcb, 0x3f, 0xf8, 0,    0,    0,    0,    0,    0,    0x92, 0x23, 0x03, 0x90});
  const auto older = wire::decode_result(golden);
  BOOST_TEST_REQUIRE(older.has_value());
  Distribution same;
  same.add(2, 3);
  BOOST_TEST((older->distributions.at(0).samples == same));
}

BOOST_AUTO_TEST_CASE(elements_behind_the_known_ones_are_skipped) {
  const auto longer = bytes_of({0x94, 0x01, 0x08, 0x93, 0x01, 0x02, 0xa3, 'n', 'e', 'w', 0xc0});
  const auto decoded = wire::decode(longer);
  BOOST_TEST_REQUIRE(decoded.has_value());
  BOOST_TEST((*decoded == wire::Message(wire::Acknowledge{1, 2})));
}

BOOST_AUTO_TEST_CASE(a_record_that_ends_before_fields_that_came_later_keeps_their_defaults) {
  // A Timetable with one Member of seven fields, as agents of the first version know it.
  const auto golden = bytes_of({0x9a, 0x01, 0x00, 0x00,                    // generation, times
                                0x94, 0xc0, 0xc0, 0xc0, 0x00,              // policy: everything off
                                0x00, 0x00, 0x00,                          // every, rounds, cycle
                                0x91, 0x97, 0xa1, 'a',  0x90, 0x01, 0xc3,  // one member
                                0xc3, 0xc0, 0xa0,                          //
                                0x90, 0x90});
  const auto older = wire::decode_timetable(golden);
  BOOST_TEST_REQUIRE(older.has_value());
  BOOST_TEST_REQUIRE(older->members.size() == 1U);
  BOOST_TEST(!older->members[0].location.has_value());
  BOOST_TEST(older->members[0].uplink == 0U);
}

BOOST_AUTO_TEST_CASE(each_failure_has_its_kind) {
  const auto failure = [](std::initializer_list<int> octets) {
    const auto decoded = wire::decode(bytes_of(octets));
    BOOST_TEST_REQUIRE(!decoded.has_value());
    return decoded.error().failure;
  };
  BOOST_TEST((failure({0x93, 0x01, 0x63, 0x90}) == wire::DecodeFailure::unknown_type));
  BOOST_TEST((failure({0x93, 0x02, 0x08, 0x92, 0x01, 0x02}) == wire::DecodeFailure::unknown_version));
  BOOST_TEST((failure({}) == wire::DecodeFailure::malformed));
  BOOST_TEST((failure({0xc0}) == wire::DecodeFailure::malformed));
  BOOST_TEST((failure({0x93, 0x01, 0x08, 0x91, 0x01}) == wire::DecodeFailure::malformed));        // a field is missing
  BOOST_TEST((failure({0x93, 0x01, 0x08, 0x92, 0x01, 0xff}) == wire::DecodeFailure::malformed));  // negative
  BOOST_TEST((failure({0x93, 0x01, 0x08, 0x92, 0x01, 0x02, 0x00}) == wire::DecodeFailure::malformed));  // octets behind
  BOOST_TEST(
      (failure({0x93, 0x01, 0x08, 0xdd, 0xff, 0xff, 0xff, 0xff}) == wire::DecodeFailure::malformed));  // a huge array
}

BOOST_AUTO_TEST_CASE(every_cut_and_every_flipped_octet_is_refused_or_decoded_but_never_fatal) {
  for (const auto& message : every_message()) {
    const auto good = wire::encode(message);
    for (std::size_t cut = 0; cut < good.size(); ++cut)
      BOOST_TEST(!wire::decode(std::span(good).first(cut)).has_value());
    for (std::size_t at = 0; at < good.size(); ++at) {
      auto bad = good;
      for (const int flip : {0x01, 0x80, 0xff}) {
        bad[at] = static_cast<std::uint8_t>(good[at] ^ flip);
        if (const auto decoded = wire::decode(bad)) BOOST_TEST(wire::decode(wire::encode(*decoded)).has_value());
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_later_versions_metric_is_passed_over_and_the_rest_is_kept) {
  Result result;
  result.id = {SiteId::known("a"), 2, 3};
  result.to = SiteId::known("b");
  result.finished_at = shared_from_ns(1);
  result.ratios = {{Metric::loss, 1, 2}, {Metric::loss_rtt, 3, 4}};
  wire::Buffer bytes = wire::encode_result(result);
  const auto loss = std::ranges::search(bytes, std::vector<std::uint8_t>{0x93, 0x07, 0x01, 0x02});
  BOOST_TEST_REQUIRE(!loss.empty());
  *std::next(loss.begin()) = 0x7f;
  const auto read = wire::decode_result(bytes);
  BOOST_TEST_REQUIRE(read.has_value());
  BOOST_TEST((read->ratios == std::vector<RatioValue>{{Metric::loss_rtt, 3, 4}}));
}

BOOST_AUTO_TEST_SUITE_END()
