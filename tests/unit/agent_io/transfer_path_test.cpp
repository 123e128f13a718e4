#include "agent/io/transfer_path.h"

#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include "shared/io/clock.h"
#include "tests/unit/agent_io/tcp_rig.h"

using namespace sonde;
using namespace sonde::test;
using namespace std::chrono_literals;

namespace {

const SiteId berlin = SiteId::known("berlin");
const SiteId athens = SiteId::known("athens");

/// Two agents in one process; messages between them go through the loop, or are lost.
struct Rig {
  struct Site {
    Site(Rig& rig, const SiteId& self, const SiteId& other)
        : port(rig.loop, {loopback, 0}), path(rig.loop, self, port, rig.resolver, effects(rig, self, other)) {
      port.set_members({loopback});
    }
    io::TransferPath::Effects effects(Rig& rig, const SiteId& self, const SiteId& other) {
      return {[&rig, self, other](const SiteId& to, wire::Message message) {
                BOOST_TEST((to == other));
                if (rig.lose(message)) return;
                boost::asio::post(rig.loop,
                                  [&rig, self, to, message] { rig.site(to).path.on_peer_message(self, message); });
              },
              [this](Result result) { results.push_back(std::move(result)); }};
    }
    io::TcpPort port;
    std::vector<Result> results;
    io::TransferPath path;
  };

  Site& site(const SiteId& id) { return id == berlin ? b : a; }
  ThroughputOrder order(std::uint64_t bytes) {
    ThroughputOrder o;
    o.link = {berlin, athens};
    o.slot_end = io::read_clock().mono + 10s;
    o.addresses = {"127.0.0.1"};
    o.port = a.port.local_endpoint().port;
    o.duration = 1s;
    o.max_duration = 3s;
    o.max_bytes = {bytes};
    return o;
  }
  const Result& run(const ThroughputOrder& o) {
    b.path.start(o);
    BOOST_TEST_REQUIRE(run_until(loop, [&] { return !b.results.empty(); }));
    BOOST_TEST(b.results.size() == 1U);
    return b.results.front();
  }
  bool both_idle() {
    return run_until(loop, [&] { return !a.path.busy() && !b.path.busy(); });
  }

  boost::asio::io_context loop;
  io::Resolver resolver{loop};
  std::function<bool(const wire::Message&)> lose = [](const wire::Message&) { return false; };
  Site a{*this, athens, berlin};
  Site b{*this, berlin, athens};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(transfer_path)

BOOST_AUTO_TEST_CASE(a_run_ends_at_its_budget_with_both_values) {
  Rig rig;  // a tenth of this may be gone within too few reads for a value
  const Result& result = rig.run(rig.order(200'000'000));
  BOOST_TEST_REQUIRE((result.outcome == Outcome::ok), result.reason);
  BOOST_TEST_REQUIRE(result.value_of(Metric::throughput) != nullptr);
  BOOST_TEST(result.value_of(Metric::throughput)->value > 0);
  BOOST_TEST(result.value_of(Metric::throughput_total)->value > 0);
  BOOST_TEST(result.value_of(Metric::retransmits) != nullptr);
  BOOST_TEST(result.detail("bytes").value() <= 200'000'000);
  BOOST_TEST(result.detail("bytes_acked").value() <= 200'000'000);
  BOOST_TEST(result.detail("min_rtt_s").value() > 0);
  BOOST_TEST((result.has(Tag::budget_ended) || result.has(Tag::settled)));
  BOOST_TEST(rig.both_idle());
  BOOST_TEST(rig.a.port.open_connections() == 0U);
}

BOOST_AUTO_TEST_CASE(several_streams_share_the_budget) {
  Rig rig;
  auto order = rig.order(40'000'000);
  order.streams = 8;
  const Result& result = rig.run(order);
  BOOST_TEST_REQUIRE((result.outcome == Outcome::ok), result.reason);
  BOOST_TEST(rig.a.port.stats().attached == 8U);
  BOOST_TEST(result.detail("streams").value() == 8);
  double bytes = 0;
  for (int i = 0; i < 8; ++i) {
    bytes += result.detail("stream_" + std::to_string(i) + "_bytes").value();
    BOOST_TEST(result.detail("stream_" + std::to_string(i) + "_packets").value() > 0);
  }
  BOOST_TEST(bytes == result.detail("bytes").value());
  BOOST_TEST(result.detail("bytes").value() <= 40'000'000);
}

BOOST_AUTO_TEST_CASE(a_receiver_that_nobody_can_reach_opens_the_connections) {
  Rig rig;
  Timetable timetable;
  timetable.members = {{berlin, {"127.0.0.1"}, rig.b.port.local_endpoint().port, true, true, {}, {}, {}, 0}};
  rig.a.path.set_timetable(timetable);
  auto order = rig.order(200'000'000);
  order.addresses = {"192.0.2.1"};  // of no use
  order.receiver_opens = true;
  order.streams = 4;
  const Result& result = rig.run(order);
  BOOST_TEST_REQUIRE((result.outcome == Outcome::ok), result.reason);
  BOOST_TEST(rig.b.port.stats().attached == 4U);
  BOOST_TEST(rig.a.port.stats().accepted == 0U);
  BOOST_TEST_REQUIRE(result.value_of(Metric::throughput) != nullptr);
  BOOST_TEST(result.value_of(Metric::throughput)->value > 0);
  BOOST_TEST(result.detail("bytes_acked").value() <= 200'000'000);
  BOOST_TEST(rig.both_idle());
  BOOST_TEST(rig.b.port.open_connections() == 0U);
}

BOOST_AUTO_TEST_CASE(a_receiver_without_an_address_of_the_sender_refuses) {
  Rig rig;
  auto order = rig.order(1'000'000);
  order.receiver_opens = true;
  const Result& result = rig.run(order);
  BOOST_TEST((result.outcome == Outcome::refused));
  BOOST_TEST(result.reason == "the far agent refused: I am to open the connections, and know no address of yours");
  BOOST_TEST(rig.both_idle());
}

BOOST_AUTO_TEST_CASE(a_duplex_run_is_two_results_under_a_name_of_their_own) {
  Rig rig;
  auto order = rig.order(1'000'000'000'000);
  order.probe = Probe::duplex;
  const Result& result = rig.run(order);
  BOOST_TEST_REQUIRE((result.outcome == Outcome::ok), result.reason);
  BOOST_TEST_REQUIRE(run_until(rig.loop, [&] { return !rig.a.results.empty(); }));
  const Result& twin = rig.a.results.front();
  BOOST_TEST_REQUIRE((twin.outcome == Outcome::ok), twin.reason);
  for (const Result* half : {&result, &twin}) {
    BOOST_TEST((half->probe == Probe::duplex));
    BOOST_TEST(half->value_of(Metric::throughput_duplex)->value > 0);
    BOOST_TEST((half->value_of(Metric::throughput) == nullptr));
    BOOST_TEST(!half->has(Tag::settled));  // the whole duration, so that both directions run all the time
  }
  BOOST_TEST((result.link() == Link{berlin, athens}));
  BOOST_TEST((twin.link() == Link{athens, berlin}));
  BOOST_TEST(result.detail("other_way_bytes").value() == twin.detail("bytes").value());
  BOOST_TEST(!result.has(Tag::on_demand));  // whoever ordered it says so
  BOOST_TEST(twin.has(Tag::on_demand));
  BOOST_TEST(rig.a.port.stats().attached == 2U);  // who began opens both
  BOOST_TEST(rig.b.port.stats().attached == 0U);
  BOOST_TEST(rig.both_idle());
}

BOOST_AUTO_TEST_CASE(when_one_half_of_a_duplex_run_is_over_so_is_the_other) {
  Rig rig;
  auto order = rig.order(20'000'000);
  order.probe = Probe::duplex;
  order.duration = order.max_duration = 8s;
  const MonoTime before = io::read_clock().mono;
  BOOST_TEST((rig.run(order).outcome == Outcome::ok));
  BOOST_TEST((io::read_clock().mono - before < 7s));  // the budget ended one half
  BOOST_TEST_REQUIRE(run_until(rig.loop, [&] { return !rig.a.results.empty(); }));
  BOOST_TEST(rig.both_idle());
}

BOOST_AUTO_TEST_CASE(each_of_many_streams_is_told) {
  Rig rig;
  auto order = rig.order(64'000'000);
  order.streams = 64;
  const Result& result = rig.run(order);
  BOOST_TEST_REQUIRE((result.outcome == Outcome::ok), result.reason);
  for (const char* of : {"stream_0", "stream_63"})
    for (const char* what : {"_bytes", "_packets", "_retransmits"})
      BOOST_TEST(result.detail(std::string(of) + what).has_value(), of << what);
}

BOOST_AUTO_TEST_CASE(a_budget_that_is_gone_at_once_is_ok) {
  Rig rig;
  const Result& result = rig.run(rig.order(1'000'000));
  BOOST_TEST_REQUIRE((result.outcome == Outcome::ok), result.reason);
  BOOST_TEST(result.has(Tag::budget_ended));
  BOOST_TEST(result.detail("bytes").value() == 1'000'000);
  const bool enough_reads = result.detail("reads").value() >= 10;
  BOOST_TEST((result.value_of(Metric::throughput) != nullptr) == enough_reads);
  BOOST_TEST((result.value_of(Metric::throughput_total) != nullptr) == enough_reads);
  BOOST_TEST(result.detail("limited_by").has_value());
}

BOOST_AUTO_TEST_CASE(an_unknown_congestion_control_is_named_and_nothing_is_sent) {
  Rig rig;
  auto order = rig.order(1'000'000);
  order.congestion = "nosuch";
  const Result& result = rig.run(order);
  BOOST_TEST((result.outcome == Outcome::skipped));
  BOOST_TEST(result.reason.starts_with("this kernel has no congestion control 'nosuch' (it has: "), result.reason);
  BOOST_TEST(!result.started_at.has_value());
}

BOOST_AUTO_TEST_CASE(a_congestion_control_can_be_chosen) {
  Rig rig;
  auto order = rig.order(20'000'000);
  order.congestion = "reno";  // every Linux has it
  BOOST_TEST((rig.run(order).outcome == Outcome::ok));
}

BOOST_AUTO_TEST_CASE(runs_one_after_another_each_have_a_result) {
  Rig rig;
  for (int i = 0; i < 5; ++i) {
    BOOST_TEST((rig.run(rig.order(20'000'000)).outcome == Outcome::ok));
    rig.b.results.clear();
  }
  BOOST_TEST(rig.both_idle());
}

BOOST_AUTO_TEST_CASE(a_port_where_nobody_listens_is_refused) {
  Rig rig;
  auto order = rig.order(1'000'000);
  const auto [socket, port] = bound_socket(std::nullopt);
  order.port = port;
  BOOST_TEST((rig.run(order).outcome == Outcome::refused));
  BOOST_TEST(rig.both_idle());  // the abort frees the far side
}

BOOST_AUTO_TEST_CASE(a_name_without_address_is_dns_failed) {
  Rig rig;
  auto order = rig.order(1'000'000);
  order.addresses = {"no-such-name.invalid"};
  BOOST_TEST((rig.run(order).outcome == Outcome::dns_failed));
  BOOST_TEST(rig.both_idle());
}

BOOST_AUTO_TEST_CASE(a_name_is_looked_up) {
  Rig rig;
  auto order = rig.order(20'000'000);
  order.addresses = {"no-such-name.invalid", "127.0.0.1"};
  const Result result = rig.run(order);
  BOOST_TEST((result.outcome == Outcome::ok), name(result.outcome) << ": " << result.reason);
}

BOOST_AUTO_TEST_CASE(lost_messages_end_in_a_result) {
  Rig rig;
  rig.lose = [](const wire::Message& m) { return std::holds_alternative<wire::TransferFinished>(m); };
  auto order = rig.order(1'000'000);
  order.slot_end = io::read_clock().mono + 1500ms;
  const Result& result = rig.run(order);
  BOOST_TEST((result.outcome == Outcome::timeout || result.outcome == Outcome::reset), result.reason);
  BOOST_TEST(rig.both_idle());
}

BOOST_AUTO_TEST_CASE(the_slot_ends_a_run_that_would_go_on) {
  Rig rig;
  auto order = rig.order(1'000'000'000'000);
  order.duration = 60s;
  order.max_duration = 60s;
  order.slot_end = io::read_clock().mono + 1s;
  const Result& result = rig.run(order);
  BOOST_TEST((result.outcome == Outcome::ok), result.reason);
  BOOST_TEST((io::read_clock().mono < order.slot_end + 500ms));
  BOOST_TEST(rig.both_idle());
}

BOOST_AUTO_TEST_CASE(a_second_order_at_once_is_busy_or_waits) {
  Rig rig;
  rig.b.path.start(rig.order(5'000'000));
  rig.b.path.start(rig.order(5'000'000));
  rig.b.path.start(rig.order(5'000'000));
  BOOST_TEST(run_until(rig.loop, [&] { return rig.b.results.size() == 3; }));
  BOOST_TEST(std::ranges::count(rig.b.results, Outcome::busy, &Result::outcome) >= 1);
}

BOOST_AUTO_TEST_CASE(destruction_in_the_middle_of_a_run_is_quiet) {
  Rig rig;
  rig.b.path.start(rig.order(1'000'000'000'000));
  run_until(rig.loop, [&] { return rig.a.port.stats().attached == 1; });
  rig.loop.run_for(50ms);
}

BOOST_AUTO_TEST_SUITE_END()
