// A whole throughput run in virtual time: SendWindow and a window that grows as TCP's does, a token bucket with a line
// behind it, and TransferMeter at the far end. Goal G7 without a machine's noise.
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <deque>

#include "agent/core/send_window.h"
#include "agent/core/transfer_meter.h"
#include "shared/base/random.h"

using namespace sonde;
using namespace std::chrono_literals;

namespace {

constexpr std::uint32_t mss = 1448;
constexpr std::uint64_t most_segments = 150'000;

struct LinkModel {
  double bps = 1e6;  ///< of user data
  double bucket = 0;
  nanoseconds rtt = 10ms;
};

struct Measured {
  std::optional<double> steady;
  nanoseconds took{0};
  std::uint64_t bytes = 0;
  std::optional<TransferEnd> end;
};

/// Segments leave one by one; each is acknowledged when it has crossed the line and come back.
class Model {
 public:
  Model(const LinkModel& link, std::uint64_t seed) : link_(link), random_(seed), meter_(plan(link), now_) {}

  Measured run() {
    while (!end_ && segments_ < most_segments) step();
    const auto report = meter_.report({}, now_, end_.value_or(TransferEnd::closed));
    Measured measured{std::nullopt, now_ - began_, meter_.bytes(), end_};
    for (const SingleValue& value : report.values)
      if (value.metric == Metric::throughput) measured.steady = value.value;
    return measured;
  }

 private:
  static TransferMeterPlan plan(const LinkModel& link) {
    TransferMeterPlan p;
    p.duration = 5s;
    p.max_duration = 60s;
    p.max_bytes = {128'000'000};
    p.rtt = link.rtt;
    return p;
  }

  /// To the next look of the sender, 5 ms on, or less on a fast link.
  void step() {
    const MonoTime until = now_ + std::min<nanoseconds>(5ms, std::max<nanoseconds>(link_.rtt / 4, 200us));
    write();
    while (!end_ && !arriving_.empty() && arriving_.front() <= until) {
      // One wake takes what came within 50 us of it, and is up to 50 us late.
      MonoTime wake = arriving_.front() + nanoseconds(random_.below(50'000));
      std::uint64_t bytes = 0;
      for (; !arriving_.empty() && arriving_.front() <= wake; arriving_.pop_front()) bytes += mss;
      wake = std::max(wake, now_);
      now_ = wake;
      meter_.add(now_, bytes);
      end_ = meter_.check(now_);
    }
    now_ = std::max(now_, until);
    if (!end_) end_ = meter_.check(now_);
    take_acknowledgements();
  }

  void take_acknowledgements() {
    while (!acks_.empty() && acks_.front().first <= now_) {
      acked_ += mss;
      last_rtt_ = acks_.front().second;
      acks_.pop_front();
      // Slow start, one more for each that was acknowledged, until a queue is seen.
      if (last_rtt_ < 2 * link_.rtt + from_seconds(3 * mss * 8 / link_.bps)) window_ += 1;
    }
  }

  void write() {
    const auto out = static_cast<std::uint32_t>(acks_.size());
    const auto room = send_window_.room(now_, {acked_, out, mss, link_.rtt, last_rtt_});
    double may = room ? static_cast<double>(*room) / mss : 1e9;
    may = std::min(may, window_ - out);
    for (; may >= 1; may -= 1) send_one();
  }

  void send_one() {
    const nanoseconds bucket = from_seconds(link_.bucket * 8 / link_.bps);
    line_free_ = std::max(line_free_, now_ - bucket) + from_seconds(mss * 8 / link_.bps);
    const MonoTime leaves = std::max(now_, line_free_);
    arriving_.push_back(leaves + link_.rtt / 2);
    acks_.emplace_back(leaves + link_.rtt, leaves + link_.rtt - now_);
    ++segments_;
  }

  const LinkModel link_;
  Random random_;
  const MonoTime began_ = mono_from_ns(1'000'000'000'000);
  MonoTime now_ = began_;
  MonoTime line_free_{};
  double window_ = 10;
  SendWindow send_window_;
  std::deque<MonoTime> arriving_;
  std::deque<std::pair<MonoTime, nanoseconds>> acks_;
  std::uint64_t acked_ = 0;
  std::uint64_t segments_ = 0;
  nanoseconds last_rtt_{0};
  std::optional<TransferEnd> end_;
  TransferMeter meter_;
};

/// 9 kbit/s to 1 Gbit/s, 1.6 kB to 256 kB, rate x round trip up to 1 MB; all uniform in the logarithm.
LinkModel any_link() {
  const auto between = [](double low, double high) {
    return low * std::pow(high / low, *rc::gen::inRange(0, 10'001) / 10'000.0);
  };
  LinkModel link;
  link.bps = between(9e3, 950e6);
  link.bucket = between(1'600, 256'000);
  link.rtt = from_seconds(between(0.0005, std::min(0.5, 8e6 / link.bps)));
  return link;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(transfer_model)

BOOST_AUTO_TEST_CASE(the_steady_rate_is_the_links_whatever_its_rate_bucket_and_round_trip) {
  BOOST_TEST(rc::check([] {
    const LinkModel link = any_link();
    const Measured run = Model(link, 7).run();
    RC_TAG(link.bps < 1e6 ? "slow" : "fast");
    RC_LOG() << link.bps << " bit/s, bucket " << link.bucket << ", rtt " << to_seconds(link.rtt)
             << " s: " << run.steady.value_or(0) / link.bps << " in " << to_seconds(run.took) << " s, " << run.bytes
             << " B\n";
    RC_ASSERT(run.steady.has_value());
    RC_ASSERT(std::abs(*run.steady / link.bps - 1) < (link.bps < 1e6 ? 0.02 : 0.01));
  }));
}

BOOST_AUTO_TEST_CASE(it_costs_a_fraction_of_five_seconds_at_full_rate) {
  BOOST_TEST(rc::check([] {
    const LinkModel link = any_link();
    const Measured run = Model(link, 8).run();
    RC_LOG() << link.bps << " bit/s, bucket " << link.bucket << ", rtt " << to_seconds(link.rtt)
             << " s: " << to_seconds(run.took) << " s, " << run.bytes << " B\n";
    if (link.bps >= 37e6) RC_ASSERT(static_cast<double>(run.bytes) <= link.bps / 8 * 5 / 5);
    // Where 149 kB take longer than five seconds iperf3 takes so long.
    const double iperf3 = std::max(5.0, 149e3 * 8 / link.bps);
    if (link.bps <= 5e6) RC_ASSERT(to_seconds(run.took) <= 1.1 * iperf3 + 2 * to_seconds(link.rtt));
  }));
}

BOOST_AUTO_TEST_SUITE_END()
