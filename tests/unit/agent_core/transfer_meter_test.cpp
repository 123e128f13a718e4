#include "agent/core/transfer_meter.h"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <vector>

#include "agent/core/transfer_header.h"

using namespace sonde;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t segment = 1448;

TransferMeterPlan plan(nanoseconds duration, nanoseconds max_duration, std::uint64_t bytes = 1'000'000'000) {
  TransferMeterPlan p;
  p.duration = duration;
  p.max_duration = max_duration;
  p.max_bytes = {bytes};
  p.rtt = 10ms;
  return p;
}

/// A link in virtual time: feeds segments to a meter until it ends the run.
struct Feed {
  explicit Feed(const TransferMeterPlan& p) : meter(p, now) {}

  /// `bps` for at most `length`, asking the meter as the mover does.
  Feed& run(double bps, nanoseconds length) {
    const MonoTime until = now + length;
    const auto gap = from_seconds(segment * 8 / bps);
    next_data = now + gap;
    while (!end && now < until) {
      now = std::min({next_data, meter.next_check(), until});
      if (now == next_data) {
        meter.add(now, segment);
        sent += segment;
        next_data = now + gap;
      }
      end = meter.check(now);
    }
    return *this;
  }
  Feed& silence(nanoseconds length) {
    const MonoTime until = now + length;
    while (!end && now < until) {
      now = std::min(meter.next_check(), until);
      end = meter.check(now);
    }
    return *this;
  }
  wire::TransferFinished report() const { return meter.report({}, now, end.value_or(TransferEnd::closed)); }

  MonoTime now = mono_from_ns(1'000'000'000);
  MonoTime next_data{};
  std::uint64_t sent = 0;
  std::optional<TransferEnd> end;
  TransferMeter meter;
};

double value_of(const wire::TransferFinished& report, Metric metric) {
  for (const auto& value : report.values)
    if (value.metric == metric) return value.value;
  return std::nan("");
}
double detail(const wire::TransferFinished& report, std::string_view name) {
  for (const auto& d : report.details)
    if (d.name == name) return d.value;
  return std::nan("");
}
bool has(const wire::TransferFinished& report, Tag tag) { return (report.tags & static_cast<std::uint32_t>(tag)) != 0; }

}  // namespace

BOOST_AUTO_TEST_SUITE(transfer_meter)

BOOST_AUTO_TEST_CASE(a_steady_rate_after_a_burst_settles_before_its_duration) {
  Feed feed(plan(5s, 60s));
  feed.run(200e6, 20ms).run(20e6, 10s);
  BOOST_TEST_REQUIRE((feed.end == TransferEnd::settled));
  BOOST_TEST((feed.now < mono_from_ns(1'000'000'000) + 3s));
  const auto report = feed.report();
  BOOST_TEST((report.outcome == Outcome::ok));
  BOOST_TEST(has(report, Tag::settled));
  BOOST_TEST(!has(report, Tag::upper_bound));
  BOOST_TEST(std::abs(value_of(report, Metric::throughput) / 20e6 - 1) < 0.01);
  BOOST_TEST(detail(report, "knee") == 1);
  BOOST_TEST(detail(report, "bytes") == static_cast<double>(feed.sent));
}

BOOST_AUTO_TEST_CASE(without_a_knee_it_goes_on_past_any_bucket_and_is_an_upper_bound) {
  Feed feed(plan(5s, 60s));
  feed.run(4.5e6, 10s);
  BOOST_TEST_REQUIRE((feed.end == TransferEnd::settled));
  BOOST_TEST(feed.sent >= TransferMeter::largest_bucket);
  const auto report = feed.report();
  BOOST_TEST(has(report, Tag::upper_bound));
  BOOST_TEST(std::abs(value_of(report, Metric::throughput) / 4.5e6 - 1) < 0.001);
}

BOOST_AUTO_TEST_CASE(an_even_rate_settles_long_before_ten_batches_of_ten_round_trips) {
  auto p = plan(5s, 60s);
  p.rtt = 300ms;
  Feed feed(p);
  feed.run(500e6, 10ms).run(3e6, 10s);
  BOOST_TEST_REQUIRE((feed.end == TransferEnd::settled));
  BOOST_TEST((feed.now < mono_from_ns(1'000'000'000) + 1s));
  BOOST_TEST(std::abs(value_of(feed.report(), Metric::throughput) / 3e6 - 1) < 0.01);
}

BOOST_AUTO_TEST_CASE(a_rate_that_swings_runs_to_its_duration) {
  auto p = plan(3s, 60s);
  p.rtt = 50ms;
  Feed feed(p);
  for (int i = 0; i < 60; ++i) feed.run(i % 2 == 0 ? 2e6 : 8e6, 70ms);
  BOOST_TEST((feed.end == TransferEnd::duration));
  BOOST_TEST(!has(feed.report(), Tag::settled));
}

BOOST_AUTO_TEST_CASE(what_tcp_repeats_after_a_bucket_is_not_in_the_steady_part) {
  Feed feed(plan(5s, 60s));
  feed.run(50e6, 10ms).run(20'000, 2s);
  for (int i = 0; i < 3; ++i) {  // the line carries segments that are nothing new
    feed.now += from_seconds(segment * 8 / 20'000.0);
    feed.meter.add(feed.now, 0, {.repeated = true});
  }
  const std::uint64_t before = feed.sent;
  feed.run(20'000, 60s);
  BOOST_TEST(feed.sent >= before + 20 * segment);
  BOOST_TEST(std::abs(value_of(feed.report(), Metric::throughput) / 20'000 - 1) < 0.001);
}

BOOST_AUTO_TEST_CASE(where_tcp_always_repeats_it_is_part_of_the_rate) {
  Feed feed(plan(5s, 300s));
  for (int i = 0; i < 100 && !feed.end; ++i) {
    feed.run(20'000, from_seconds(3 * segment * 8 / 20'000.0));
    feed.now += from_seconds(segment * 8 / 20'000.0);
    feed.meter.add(feed.now, 0, {.repeated = true});
  }
  BOOST_TEST(feed.end.has_value());
  BOOST_TEST(feed.sent >= 60 * segment);
  BOOST_TEST(std::abs(value_of(feed.report(), Metric::throughput) / 15'000 - 1) < 0.05);
}

BOOST_AUTO_TEST_CASE(a_slow_link_is_given_time_for_twenty_segments) {
  Feed feed(plan(5s, 60s));
  feed.run(8'900, 60s);
  BOOST_TEST_REQUIRE((feed.end == TransferEnd::settled));
  BOOST_TEST(feed.sent >= 20 * segment);
  BOOST_TEST(feed.sent <= 23 * segment);
  const auto report = feed.report();
  BOOST_TEST((report.outcome == Outcome::ok));
  BOOST_TEST(std::abs(value_of(report, Metric::throughput) / 8'900 - 1) < 0.01);
  BOOST_TEST(!has(report, Tag::slot_ended));
  BOOST_TEST(!has(report, Tag::few_segments));
}

BOOST_AUTO_TEST_CASE(the_bytes_and_the_rate_of_each_stream_are_told) {
  Feed feed(plan(5s, 60s));
  feed.run(3e6, 60s);
  feed.meter.set_streams({100'000, feed.sent - 100'000});
  const auto report = feed.report();
  BOOST_TEST(detail(report, "stream_0_bytes") == 100'000);
  BOOST_TEST(detail(report, "stream_1_bytes") == static_cast<double>(feed.sent) - 100'000);
  const double sum = detail(report, "stream_0_bps") + detail(report, "stream_1_bps");
  BOOST_TEST(std::abs(sum / 3e6 - 1) < 0.02);
}

BOOST_AUTO_TEST_CASE(max_duration_cuts_and_says_so) {
  Feed feed(plan(5s, 18s));
  feed.run(8'900, 60s);
  BOOST_TEST_REQUIRE((feed.end == TransferEnd::cut));
  const auto report = feed.report();
  BOOST_TEST((report.outcome == Outcome::ok));
  BOOST_TEST(has(report, Tag::slot_ended));
  BOOST_TEST(has(report, Tag::few_segments));
}

BOOST_AUTO_TEST_CASE(the_byte_budget_ends_the_run_at_once) {
  Feed feed(plan(5s, 60s, 100 * segment));
  feed.run(50e6, 10s);
  BOOST_TEST_REQUIRE((feed.end == TransferEnd::budget));
  BOOST_TEST(feed.sent == 100 * segment);
  BOOST_TEST(has(feed.report(), Tag::budget_ended));
}

BOOST_AUTO_TEST_CASE(silence_is_a_timeout_and_no_value) {
  Feed feed(plan(2s, 4s));
  feed.silence(10s);
  BOOST_TEST_REQUIRE((feed.end == TransferEnd::cut));
  const auto report = feed.report();
  BOOST_TEST((report.outcome == Outcome::timeout));
  BOOST_TEST(report.reason.starts_with("no data came"), report.reason);
  BOOST_TEST(report.values.empty());
}

BOOST_AUTO_TEST_CASE(data_that_stop_in_the_middle_are_a_timeout) {
  Feed feed(plan(5s, 10s));
  feed.run(10e6, 500ms).silence(20s);
  const auto report = feed.report();
  BOOST_TEST((report.outcome == Outcome::timeout));
  BOOST_TEST(report.reason.starts_with("the data stopped"), report.reason);
  BOOST_TEST(report.values.empty());
}

BOOST_AUTO_TEST_CASE(few_reads_give_no_value_but_are_no_failure) {
  Feed feed(plan(1s, 2s));
  feed.run(40'000, 2s);
  BOOST_TEST(feed.sent == 6 * segment);
  const auto report = feed.report();
  BOOST_TEST((report.outcome == Outcome::ok), report.reason);
  BOOST_TEST(report.values.empty());
  BOOST_TEST(has(report, Tag::slot_ended));
  BOOST_TEST(has(report, Tag::few_segments));
}

BOOST_AUTO_TEST_CASE(a_budget_that_is_gone_within_a_few_reads_is_ok_without_a_value) {
  Feed feed(plan(5s, 60s, 1'000'000));
  for (int i = 0; i < 8; ++i) feed.meter.add(feed.now += 1ms, 125'000);
  feed.end = feed.meter.check(feed.now);
  BOOST_TEST_REQUIRE((feed.end == TransferEnd::budget));
  const auto report = feed.report();
  BOOST_TEST((report.outcome == Outcome::ok), report.reason);
  BOOST_TEST(has(report, Tag::budget_ended));
  BOOST_TEST(!has(report, Tag::upper_bound));
  BOOST_TEST(report.values.empty());
  BOOST_TEST(detail(report, "bytes") == 1'000'000);
}

BOOST_AUTO_TEST_CASE(the_budget_is_used_when_all_of_it_is_there_and_never_exceeded) {
  Feed feed(plan(5s, 60s, 100'000));
  for (int i = 0; i < 20; ++i) feed.meter.add(feed.now += 10ms, 5'100, {.incomplete = true});
  BOOST_TEST(feed.meter.bytes() == 100'000U);
  BOOST_TEST(!feed.meter.budget_used());  // a part of it lies behind a hole, or came twice
  feed.meter.add(feed.now += 10ms, 0);
  BOOST_TEST(feed.meter.budget_used());
}

BOOST_AUTO_TEST_CASE(a_close_before_there_is_a_value_is_a_reset_and_after_it_is_a_result) {
  Feed early(plan(5s, 10s));
  early.run(1e6, 50ms);
  BOOST_TEST((early.report().outcome == Outcome::reset));
  Feed later(plan(5s, 10s));
  later.run(1e6, 2s);
  BOOST_TEST((later.report().outcome == Outcome::ok));
  BOOST_TEST(std::abs(value_of(later.report(), Metric::throughput) / 1e6 - 1) < 0.01);
}

BOOST_AUTO_TEST_CASE(readings_are_bounded_and_the_rate_survives_thinning) {
  Feed feed(plan(60s, 60s));
  TransferMeter& meter = feed.meter;
  MonoTime now = feed.now;
  for (int i = 0; i < 50'000; ++i) meter.add(now += 100us, segment);
  const auto report = meter.report({}, now, TransferEnd::duration);
  BOOST_TEST(std::abs(value_of(report, Metric::throughput) / (segment * 8 / 1e-4) - 1) < 0.001);
  BOOST_TEST(detail(report, "reads") == 50'000);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(transfer_header)

BOOST_AUTO_TEST_CASE(the_octets_are_these) {
  TransferHeader header;
  for (std::uint8_t i = 0; i < 16; ++i) header.token[i] = static_cast<std::uint8_t>(0xa0 + i);
  header.stream = 5;
  const auto octets = encode(header);
  const std::array<std::uint8_t, 20> golden{0x53, 1,    0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7,
                                            0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf, 5,    0};
  BOOST_TEST((octets == golden));
  BOOST_TEST((decode_transfer_header(octets) == header));
}

BOOST_AUTO_TEST_CASE(what_is_no_header_is_refused) {
  for (const auto& [index, value] : {std::pair<std::size_t, std::uint8_t>{0, 0x52}, {1, 2}, {18, 64}, {19, 1}}) {
    auto octets = encode(TransferHeader{});
    octets[index] = value;
    BOOST_TEST(!decode_transfer_header(octets).has_value(), index);
  }
}

BOOST_AUTO_TEST_SUITE_END()
