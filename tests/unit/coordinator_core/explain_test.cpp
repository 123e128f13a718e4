// Every sentence to the letter: an operator reads them, and scripts rely on the codes.
#include "coordinator/core/explain.h"

#include <boost/test/unit_test.hpp>

using namespace sonde;
using namespace std::chrono_literals;

namespace {

const SiteId berlin = SiteId::known("berlin");
const SiteId athens = SiteId::known("athens");
constexpr SharedTime now = shared_from_ns(1'700'000'000'000'000'000);

struct World {
  Mesh mesh;
  Timetable timetable;
  std::vector<Result> latency;
  std::vector<Result> connect;
  std::vector<Result> throughput;
  std::map<Probe, Cell> cells;
  AgentStatus from;
  AgentStatus to;
  Link link{berlin, athens};

  World() {
    for (const SiteId& site : {berlin, athens}) {
      SiteSpec spec;
      spec.site = site;
      mesh.sites.push_back(spec);
    }
    from.last_heard = now;
    to.last_heard = now;
  }

  static Result result(Probe probe, Outcome outcome = Outcome::ok, std::string reason = {}) {
    Result result;
    result.id = {berlin, 1, 1};
    result.to = athens;
    result.probe = probe;
    result.finished_at = now;
    result.outcome = outcome;
    result.reason = std::move(reason);
    return result;
  }
  /// One latency result; `samples` round trips of `rtt`.
  Result& add_latency(nanoseconds rtt, std::uint64_t samples) {
    Distribution all;
    all.add(rtt.count(), samples);
    Result one = result(Probe::latency);
    one.distributions.push_back({Metric::rtt, all});
    one.ratios.push_back({Metric::loss_rtt, 0, samples});
    latency.push_back(std::move(one));
    return latency.back();
  }
  void add_connect(nanoseconds took, std::uint32_t resent) {
    Result one = result(Probe::connect);
    one.values.push_back({Metric::connect, to_seconds(took)});
    if (resent == 0) one.values.push_back({Metric::connect_clean, to_seconds(took)});
    one.details.push_back({"syn_retransmits", static_cast<double>(resent)});
    connect.push_back(std::move(one));
  }
  Result& add_throughput(double rate) {
    Result one = result(Probe::throughput);
    one.values.push_back({Metric::throughput, rate});
    throughput.push_back(std::move(one));
    return throughput.back();
  }

  std::vector<Finding> findings() const {
    return explain({.mesh = mesh,
                    .timetable = timetable,
                    .link = link,
                    .now = now,
                    .window = 1h,
                    .latency = latency,
                    .connect = connect,
                    .throughput = throughput,
                    .cells = cells,
                    .from = from,
                    .to = to});
  }
  /// The sentence with this code; empty where there is none.
  std::string text(std::string_view code) const {
    for (const Finding& finding : findings())
      if (finding.code == code) return finding.text;
    return "";
  }
};

void set_distribution(Result& result, Metric metric, std::initializer_list<nanoseconds> samples) {
  Distribution all;
  for (const nanoseconds sample : samples) all.add(sample.count());
  result.distributions.push_back({metric, all});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(explaining)

BOOST_AUTO_TEST_CASE(a_good_link_is_called_so) {
  World world;
  world.add_latency(40ms, 1780);
  const auto findings = world.findings();
  BOOST_TEST_REQUIRE(findings.size() == 2U);
  BOOST_TEST(findings[0].code == "well");
  BOOST_TEST(findings[0].text == "Nothing is unusual on berlin -> athens in the last 1 h.");
  BOOST_TEST(findings[1].text ==
             "The round trip takes 40.0 ms in the median, 40.0 ms at p95 and 40.0 ms at p99, in 1780 samples.");
}

BOOST_AUTO_TEST_CASE(connects_that_waited_for_a_syn) {
  World world;
  for (int i = 0; i < 17; ++i) world.add_connect(41ms, 0);
  world.add_connect(1041ms, 1);
  world.add_connect(1042ms, 1);
  world.add_connect(3041ms, 2);
  BOOST_TEST(
      world.text("syn_retransmits") ==
      "3 of 20 connects waited for a retransmitted SYN (4 in all) and took 1.04 s in the median; without them the "
      "median is 41.0 ms. A SYN was lost on the way, or the accept queue of athens was full.");
  BOOST_TEST(world.text("connect") ==
             "A TCP connection stands after 41.0 ms in the median of 20 runs, the slowest took 3.04 s.");
  BOOST_TEST((world.findings().front().weight == Weight::warning));
}

BOOST_AUTO_TEST_CASE(connects_that_failed) {
  World world;
  for (int i = 0; i < 3; ++i) world.add_connect(41ms, 0);
  world.connect.push_back(World::result(Probe::connect, Outcome::timeout));
  world.connect.push_back(World::result(Probe::connect, Outcome::refused));
  world.connect.push_back(World::result(Probe::connect, Outcome::timeout));
  world.connect.push_back(World::result(Probe::connect, Outcome::dns_failed));
  BOOST_TEST(
      world.text("connect_failed") ==
      "3 of 6 connects did not connect (1 refused, 2 timeout, 1 dns_failed). The times of connect, p99 too, speak "
      "of the 3 that did.");
  BOOST_TEST(world.text("dns_failed") ==
             "1 of 7 connects could not look the name of athens up; no SYN was sent, and they are in no ratio.");
  BOOST_TEST(world.text("connect") ==
             "A TCP connection stands after 41.0 ms in the median of 3 runs, the slowest took 41.0 ms. These are few.");
}

BOOST_AUTO_TEST_CASE(an_accept_queue_that_overflowed_is_the_agents_fault) {
  World world;
  world.add_connect(1041ms, 1);
  world.connect.back().details.push_back({"far_listen_overflows", 4});
  BOOST_TEST(
      world.text("accept_queue_full") ==
      "During 1 of 1 connects the accept queue of athens's agent overflowed: that host was too slow, the network "
      "lost nothing.");
}

BOOST_AUTO_TEST_CASE(names_that_take_longer_than_the_connection) {
  World world;
  world.add_connect(41ms, 0);
  world.connect.back().values.push_back({Metric::resolve, 0.3});
  BOOST_TEST(world.text("slow_names") ==
             "Looking the name up takes 300 ms in the median, longer than the connection itself. It is not part of "
             "connect, but an application waits for both.");
}

BOOST_AUTO_TEST_CASE(loss_has_a_direction) {
  World world;
  Result& result = world.add_latency(40ms, 1000);
  result.ratios = {{Metric::loss_rtt, 30, 1000}, {Metric::loss, 24, 998}};
  result.details = {{"reverse_lost", 4}, {"reverse_tries", 974}, {"unattributed", 2}};
  BOOST_TEST(
      world.text("loss") ==
      "3.00 % of the probes had no reply in time (30 of 1000): 2.40 % were lost on the way from berlin to athens, "
      "0.41 % on the way back. Of 2 the direction is not known.");
  BOOST_TEST((world.findings().front().weight == Weight::warning));
  result.ratios = {{Metric::loss_rtt, 300, 1000}};
  result.details.clear();
  BOOST_TEST(
      world.text("loss_without_direction") ==
      "30.0 % of the probes had no reply in time (300 of 1000); no reply came, or the far side does not count, so "
      "it is not known in which direction.");
  result.details = {{"tail_sent", 300}};
  BOOST_TEST(world.text("loss_without_direction") ==
             "30.0 % of the probes had no reply in time (300 of 1000); no reply came, and the agent of athens did not "
             "tell what had arrived there, so it is not known in which direction.");
  BOOST_TEST((world.findings().front().weight == Weight::bad));
}

BOOST_AUTO_TEST_CASE(queues_have_a_direction) {
  World world;
  Result& result = world.add_latency(40ms, 90);
  set_distribution(result, Metric::delay_rise, {1ms, 1ms, 30ms, 30ms, 30ms});
  BOOST_TEST(
      world.text("delay_rise") ==
      "A queue builds up on the way from berlin to athens: at p95 the one-way delay is 29.8 ms above its least.");
  World back;
  Result& other = back.add_latency(40ms, 50);
  Distribution slow;
  slow.add((80ms / 1ns), 50);
  other.distributions[0].samples.merge(slow);
  set_distribution(other, Metric::delay_rise, {100us, 100us});
  BOOST_TEST(
      back.text("rtt_rise_back") ==
      "The round trip is up to 39.4 ms (p95) above its least, the way there only 100 us: the queue is on the way "
      "back.");
  set_distribution(other, Metric::host_queue, {3ms, 3ms});
  BOOST_TEST(back.text("host_queue") ==
             "At p95 probes wait 3.00 ms in the own queue of berlin's host before they leave it. That is not the "
             "network's doing, and not in rtt (but in rtt_host).");
}

BOOST_AUTO_TEST_CASE(the_round_trip_under_load) {
  World world;
  Result& result = world.add_latency(40ms, 100);
  Distribution loaded;
  loaded.add((160ms / 1ns), 19);
  result.distributions.push_back({Metric::rtt_loaded, loaded});
  BOOST_TEST(world.text("rtt_loaded") == "");  // too few
  result.distributions.back().samples.add((160ms / 1ns));
  BOOST_TEST(world.text("rtt_loaded") ==
             "While berlin sends to athens the round trip is 160 ms in the median, 4 times that of the idle link (40.0 "
             "ms): a queue on the way there fills under load.");
}

BOOST_AUTO_TEST_CASE(few_samples_reordering_copies_and_another_path) {
  World world;
  Result& result = world.add_latency(40ms, 7);
  result.ratios.push_back({Metric::reorder, 2, 100});
  result.ratios.push_back({Metric::duplicate, 1, 100});
  result.details.push_back({"ttl_changes", 3});
  result.set(Tag::clock_stepped);
  result.set(Tag::user_clock);
  BOOST_TEST(world.text("few_samples") == "These are only 7 samples; quantiles of fewer than 20 say little.");
  BOOST_TEST(world.text("reorder") ==
             "2.00 % of the probes arrived after one that was sent later: there are several ways in parallel.");
  BOOST_TEST(world.text("duplicate") ==
             "1.00 % of the probes arrived more than once: something on the way copies packets.");
  BOOST_TEST(world.text("path_changed") ==
             "The TTL with which probes arrive changed 3 times: the path became longer or shorter.");
  BOOST_TEST(world.text("clock_stepped") ==
             "In 1 of 1 results a clock was stepped; one-way values across the step were dropped.");
  BOOST_TEST(world.text("user_clock") ==
             "1 of 1 results have no kernel time stamps; their times include the wake-up of a process.");
}

BOOST_AUTO_TEST_CASE(why_the_one_way_delay_is_not_shown) {
  World world;
  Result& result = world.add_latency(40ms, 50);
  result.set(Tag::unsynced);
  BOOST_TEST(world.text("unsynced") ==
             "The one-way delay is not shown: it is not known how far the clocks of berlin and athens are off. Run "
             "chrony or ntpd there, or configure clock.error. delay_rise needs no synchronised clocks.");
  world.from.heartbeat.clock_error = 1ms;
  BOOST_TEST(world.text("unsynced").find("the clock of athens is off") != std::string::npos);
  result.details.push_back({"error_s", 0.012});
  BOOST_TEST(
      world.text("unsynced") ==
      "The one-way delay is not shown: the clocks of berlin and athens may differ by 12.0 ms, more than a quarter "
      "of it. delay_rise needs no synchronised clocks.");
}

BOOST_AUTO_TEST_CASE(starved_results_are_the_agents_fault) {
  World world;
  world.add_latency(40ms, 50).set(Tag::starved);
  world.add_latency(40ms, 50);
  world.from.heartbeat.send_lateness_p99 = 12ms;
  world.from.heartbeat.cpu_pressure = 0.4;
  BOOST_TEST(
      world.text("starved") ==
      "1 of 2 results are the agents' fault and not the network's: a host had too little CPU or no room for the "
      "work. The agent of berlin now sends up to 12.0 ms late (p99), 40.0 % of the time some task waits for a CPU.");
}

BOOST_AUTO_TEST_CASE(why_it_was_slow) {
  World world;
  Result& result = world.add_throughput(94.1e6);
  result.details = {{"rwnd_limited_ratio", 0.83}, {"sndbuf_limited_ratio", 0.0}, {"congestion_limited_ratio", 0.17}};
  BOOST_TEST(
      world.text("limited_by_receiver") ==
      "In the newest run the receiver's window was the limit for 83.0 % of the time: the path may carry more, the "
      "host of athens (its receive buffer, or its CPU) does not take it.");
  BOOST_TEST(world.text("throughput") == "TCP moves 94.1 Mbit/s steadily (one run).");
  result.details = {{"rwnd_limited_ratio", 0.0}, {"sndbuf_limited_ratio", 0.5}, {"congestion_limited_ratio", 0.5}};
  BOOST_TEST(
      world.text("limited_by_send_buffer") ==
      "In the newest run the send buffer was the limit for 50.0 % of the time: the path may carry more, the host "
      "of berlin does not offer it.");
  result.details = {{"rwnd_limited_ratio", 0.0}, {"sndbuf_limited_ratio", 0.1}, {"congestion_limited_ratio", 0.9}};
  result.values.push_back({Metric::retransmits, 12});
  BOOST_TEST(world.text("limited_by_path") ==
             "The newest run was limited by the path (congestion window for 90.0 % of the time); TCP sent 12 segments "
             "again.");
}

BOOST_AUTO_TEST_CASE(a_run_too_quick_for_a_rate_is_no_fault_of_the_network) {
  World world;
  Result& result = world.add_throughput(94.1e6);
  result.values.clear();
  result.details = {{"bytes", 1e6}, {"reads", 8}, {"limited_by", 4}, {"congestion_limited_ratio", 1}};
  result.set(Tag::budget_ended);
  BOOST_TEST(world.text("no_rate") ==
             "The newest run moved 1.00 MB in 8 reads, too few to tell a rate. Give probes.throughput a larger "
             "max_bytes.");
  BOOST_TEST(world.text("limited_by_path") == "");
}

BOOST_AUTO_TEST_CASE(a_sender_without_cpu_is_named) {
  World world;
  Result& result = world.add_throughput(94.1e6);
  result.details = {{"limited_by", 3}, {"congestion_limited_ratio", 1}};
  result.set(Tag::few_segments);
  BOOST_TEST(world.text("limited_by_application") ==
             "In the newest run nothing was under way for a part of the time: the agent of berlin lacked CPU, and the "
             "path may carry more.");
  BOOST_TEST(world.text("limited_by_path") == "");
  BOOST_TEST(!world.text("few_segments").empty());
}

BOOST_AUTO_TEST_CASE(how_a_run_ended_and_what_its_rates_mean) {
  World world;
  world.add_throughput(80e6);
  world.add_throughput(90e6);
  Result& result = world.add_throughput(85e6);
  result.values.push_back({Metric::throughput_total, 120e6});
  result.details = {{"burst_bytes", 256'000}, {"bytes", 128e6}};
  result.set(Tag::upper_bound);
  result.set(Tag::slot_ended);
  result.set(Tag::budget_ended);
  BOOST_TEST(world.text("throughput") ==
             "TCP moves 85.0 Mbit/s steadily, the median of 3 runs between 80.0 Mbit/s and 90.0 Mbit/s.");
  BOOST_TEST(world.text("burst") ==
             "The newest run moved 120 Mbit/s in all but 85.0 Mbit/s steadily: 256 kB went through in a burst before a "
             "token bucket was empty. Short transfers see the first rate, long ones the second.");
  BOOST_TEST(
      world.text("upper_bound") ==
      "In the newest run no knee was found in the rate: slow start or a token bucket's burst may not be over, and "
      "the rate is an upper bound.");
  BOOST_TEST(
      world.text("slot_ended") ==
      "The newest run was cut by the end of its slot before it had seen enough; the next timetable gives this link "
      "more time.");
  BOOST_TEST(world.text("budget_ended") == "The newest run was ended by its byte budget, after 128 MB.");
}

BOOST_AUTO_TEST_CASE(runs_without_a_rate) {
  World world;
  world.add_throughput(80e6);
  world.throughput.push_back(World::result(Probe::throughput, Outcome::busy, "receiving from gdansk"));
  BOOST_TEST(world.text("throughput_failed") ==
             "1 of 2 throughput runs brought no rate (1 busy); the newest: receiving from gdansk.");
  BOOST_TEST((world.findings().front().weight == Weight::warning));
}

BOOST_AUTO_TEST_CASE(silence_comes_first) {
  World world;
  world.add_latency(40ms, 50);
  world.from.last_heard = now - 125s;
  const auto findings = world.findings();
  BOOST_TEST(findings[0].code == "agent_silent");
  BOOST_TEST(
      findings[0].text ==
      "The agent of berlin was last heard 2 min 5 s ago. It may be measuring on; its results come when it is back.");
  world.from.last_heard.reset();
  BOOST_TEST(
      world.text("agent_never_heard") ==
      "The agent of berlin was not heard since the coordinator started; nothing new is known of this link until it "
      "is.");
  world.mesh.sites[0].has_agent = false;
  BOOST_TEST(world.text("no_agent") ==
             "There is no agent at berlin: it is measured from elsewhere, and measures nothing itself.");
}

BOOST_AUTO_TEST_CASE(states_of_the_cells) {
  World world;
  world.latency.push_back(World::result(Probe::latency, Outcome::timeout, "no reply to 50 probes within 2s"));
  world.cells[Probe::latency].state = CellState::down;
  world.cells[Probe::connect].state = CellState::never;
  world.cells[Probe::throughput].state = CellState::stale;
  world.cells[Probe::throughput].age_s = 14'400;
  BOOST_TEST(world.text("down") ==
             "The last two latency runs brought no value: timeout (no reply to 50 probes within 2s).");
  BOOST_TEST(world.text("never") == "No connect result has come yet.");
  BOOST_TEST(world.text("stale") == "throughput results have stopped coming: the newest is 4 h old.");
  world.cells[Probe::connect].state = CellState::none;
  world.cells[Probe::throughput].state = CellState::paused;
  BOOST_TEST(world.text("not_measured") == "The configuration has no connect on this link.");
  BOOST_TEST(world.text("paused") == "An operator paused throughput on this link.");
}

BOOST_AUTO_TEST_CASE(when_the_next_runs_begin) {
  World world;
  world.timetable.epoch = now - 100s;
  world.timetable.throughput_every = 1h;
  world.timetable.slots = {{Round{0}, {berlin, athens}, 40s, 5s}};
  world.timetable.phases = {{{berlin, athens}, 1s, 12s}};
  BOOST_TEST(world.text("next_throughput") == "The next throughput run begins in 59 min.");
  BOOST_TEST(world.text("next_connect") == "The next connect run begins in 2 s.");
  world.timetable.effective_at = now + 60s;  // connect: every 30 s
  BOOST_TEST(world.text("next_connect") == "The next connect run begins in 1 min 2 s.");
}

BOOST_AUTO_TEST_SUITE_END()
