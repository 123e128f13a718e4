#include "agent/core/path_tracer.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agent/core/evidence_queue.h"
#include "shared/base/random.h"

using namespace sonde;
using namespace std::chrono_literals;

namespace {

/// A way of routers and the reflector behind them, on a clock that leaps from event to event.
struct Way {
  std::vector<std::string> routers;  ///< "": a silent one
  nanoseconds hop = 2ms;             ///< each way between two of them
  bool answers = true;               ///< the far reflector
  bool refuses = false;              ///< the far host says that nobody listens
  bool far_lost = false;             ///< of the small probes those with a TTL that reaches everywhere
  std::size_t cut_behind = 99;       ///< nothing passes behind so many routers
  std::uint32_t mtu = 1500;          ///< of packets that arrive there
  std::uint32_t mtu_back = 1500;     ///< of replies that arrive here
  std::size_t tells = 0;             ///< the router (from 1) that says what is too big; 0: none
  double loss = 0;                   ///< of each packet, each way
  bool counts = true;
  bool quotes = true;  ///< routers give enough of the probe back

  std::uint32_t replies = 0;
  Random random{7};
  unsigned sent = 0;
  std::size_t most_in_flight = 0;
  std::vector<MonoTime> long_ones{};  ///< when probes longer than a small one left

  bool lost() { return random.unit() < loss; }

  /// What comes back, and after which time.
  std::optional<std::pair<nanoseconds, TraceAnswer>> meet(const TraceProbe& probe) {
    const auto from_router = [&](std::size_t number, TraceAnswer::Kind kind) {
      TraceAnswer answer;
      answer.kind = kind;
      answer.from = routers[number - 1];
      if (quotes) answer.sequence = probe.sequence;
      answer.rtt = hop * static_cast<std::int64_t>(2 * number);
      return std::pair(*answer.rtt, answer);
    };
    if (lost() || (far_lost && probe.ttl == HopSearch::far_ttl && probe.octets < 100)) return std::nullopt;
    const std::size_t distance = routers.size() + 1;
    for (std::size_t at = 1; at <= routers.size(); ++at) {
      if (at > cut_behind) return std::nullopt;
      if (probe.ttl == at) {
        if (routers[at - 1].empty()) return std::nullopt;
        return from_router(at, TraceAnswer::Kind::exceeded);
      }
      if (at == tells && probe.octets > mtu) {
        auto told = from_router(at, TraceAnswer::Kind::too_big);
        told.second.mtu = mtu;
        return told;
      }
    }
    if (cut_behind < routers.size() + 1 || probe.octets > mtu) return std::nullopt;
    TraceAnswer answer;
    answer.from = "192.0.2.20";
    answer.sequence = probe.sequence;
    answer.rtt = hop * static_cast<std::int64_t>(2 * distance);
    if (refuses) {
      answer.kind = TraceAnswer::Kind::refused;
      return std::pair(*answer.rtt, answer);
    }
    if (!answers) return std::nullopt;
    answer.kind = TraceAnswer::Kind::reply;
    answer.received_ttl = static_cast<std::uint8_t>(probe.ttl - routers.size());
    answer.reflector_sequence = counts ? replies++ : probe.sequence;
    if (probe.octets > mtu_back || lost()) return std::nullopt;
    return std::pair(*answer.rtt, answer);
  }

  PathTrace look(std::uint32_t interface_mtu = 1500) {
    MonoTime now(1h);
    const MonoTime began = now;
    PathTracer tracer(now, {.least = 72, .interface_mtu = interface_mtu, .counts = counts});
    std::multimap<MonoTime, TraceAnswer> coming;
    for (int turns = 0; !tracer.done() && turns < 100'000; ++turns) {
      while (const auto probe = tracer.tick(now)) {
        ++sent;
        if (probe->octets > 72) long_ones.push_back(now);
        if (auto back = meet(*probe)) coming.emplace(now + back->first, back->second);
        most_in_flight = std::max(most_in_flight, coming.size());
      }
      if (tracer.done()) break;
      MonoTime next = tracer.next_deadline();
      if (!coming.empty()) next = std::min(next, coming.begin()->first);
      BOOST_TEST_REQUIRE((next != MonoTime::max()), "it waits for nothing");
      now = std::max(now, next);
      while (!coming.empty() && coming.begin()->first <= now) {
        tracer.on_answer(coming.begin()->second);
        coming.erase(coming.begin());
      }
    }
    BOOST_TEST(tracer.done());
    BOOST_TEST((now - began <= PathTracer::longest + 1s));
    PathTrace trace;
    tracer.fill(trace);
    return trace;
  }
};

std::vector<std::string> names_of(const PathTrace& trace) {
  std::vector<std::string> names;
  for (const Hop& hop : trace.hops) names.push_back(hop.kind == HopKind::silent ? "*" : hop.address);
  return names;
}

const std::vector<std::string> three{"192.0.2.201", "", "192.0.2.203"};

}  // namespace

BOOST_AUTO_TEST_SUITE(path_tracer)

BOOST_AUTO_TEST_CASE(a_good_way_is_told_hop_by_hop_and_asked_no_further_than_it_reaches) {
  Way way{.routers = three};
  const PathTrace trace = way.look();
  BOOST_TEST(names_of(trace) == (std::vector<std::string>{"192.0.2.201", "*", "192.0.2.203", "192.0.2.20"}),
             boost::test_tools::per_element());
  BOOST_TEST(trace.reached);
  BOOST_TEST((trace.hops[0].rtt == 4ms));
  BOOST_TEST((trace.hops[3].rtt == 16ms));
  BOOST_TEST((trace.hops[3].kind == HopKind::target));
  BOOST_TEST(trace.mtu == 1500U);
  BOOST_TEST(!trace.mtu_black_hole);
  BOOST_TEST(trace.trouble == "");
  BOOST_TEST(way.sent < 30U);
}

BOOST_AUTO_TEST_CASE(a_cut_way_ends_behind_the_last_router_that_answers) {
  Way way{.routers = {"192.0.2.201", "192.0.2.202", "192.0.2.203"}, .cut_behind = 2};
  const PathTrace trace = way.look();
  BOOST_TEST(!trace.reached);
  BOOST_TEST(names_of(trace) == (std::vector<std::string>{"192.0.2.201", "192.0.2.202"}),
             boost::test_tools::per_element());
  BOOST_TEST(trace.mtu == 0U);
  BOOST_TEST(trace.sent == 3U);
  BOOST_TEST(trace.answered == 0U);
}

BOOST_AUTO_TEST_CASE(a_site_that_answers_one_probe_of_many_is_reached) {
  Way way{.routers = three, .far_lost = true};
  const PathTrace trace = way.look();
  BOOST_TEST(trace.answered == 0U);
  BOOST_TEST(trace.reached);
  BOOST_TEST(names_of(trace).back() == "192.0.2.20");
}

BOOST_AUTO_TEST_CASE(a_host_without_an_agent_refuses_and_that_is_the_end) {
  Way way{.routers = three, .refuses = true};
  const PathTrace trace = way.look();
  BOOST_TEST(!trace.reached);
  BOOST_TEST_REQUIRE(trace.hops.size() == 4U);
  BOOST_TEST((trace.hops[3].kind == HopKind::refused));
}

BOOST_AUTO_TEST_CASE(a_router_that_says_what_is_too_big_is_believed_once_it_was_tried) {
  Way way{.routers = three, .mtu = 1400, .tells = 3};
  const PathTrace trace = way.look();
  BOOST_TEST(trace.mtu == 1400U);
  BOOST_TEST(trace.mtu_told_by == "192.0.2.203");
  BOOST_TEST(!trace.mtu_black_hole);
}

BOOST_AUTO_TEST_CASE(a_black_hole_is_measured_to_the_octet) {
  for (const std::uint32_t mtu : {1499U, 1400U, 1280U, 576U, 73U}) {
    Way way{.routers = three, .mtu = mtu};
    const PathTrace trace = way.look();
    BOOST_TEST(trace.mtu == mtu);
    BOOST_TEST(trace.mtu_black_hole);
    BOOST_TEST(trace.mtu_told_by == "");
  }
}

BOOST_AUTO_TEST_CASE(long_replies_that_are_lost_on_the_way_back_are_not_this_ways_black_hole) {
  Way way{.routers = three, .mtu_back = 1300};
  const PathTrace trace = way.look();
  BOOST_TEST(trace.mtu == 1500U);
  BOOST_TEST(!trace.mtu_black_hole);
  Way plain{.routers = three, .mtu_back = 1300, .counts = false};
  BOOST_TEST(plain.look().mtu == 1300U);  // a reflector without counters: only round trips can be seen
}

BOOST_AUTO_TEST_CASE(long_probes_leave_one_by_one) {
  Way good{.routers = {"a", "b"}};
  BOOST_TEST(good.look().mtu == 1500U);
  BOOST_TEST(good.long_ones.size() == 1U);  // its answer came before the next
  Way hole{.routers = {"a", "b"}, .mtu = 1400};
  hole.look();
  BOOST_TEST_REQUIRE(hole.long_ones.size() > 20U);
  for (std::size_t i = 1; i < hole.long_ones.size(); ++i)
    BOOST_TEST((hole.long_ones[i] - hole.long_ones[i - 1] >= 12ms));
}

BOOST_AUTO_TEST_CASE(loss_is_no_black_hole) {
  int told_wrong = 0;
  int told = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Way way{.routers = three, .loss = 0.3};
    way.random = Random(seed);
    const PathTrace trace = way.look();
    told += trace.mtu > 0;
    told_wrong += trace.mtu > 0 && trace.mtu != 1500;
  }
  BOOST_TEST(told > 150);
  BOOST_TEST(told_wrong <= 2);
}

BOOST_AUTO_TEST_CASE(routers_that_do_not_say_which_probe_they_mean_are_asked_one_by_one) {
  Way way{.routers = {"192.0.2.201", "192.0.2.202", "192.0.2.203"}, .quotes = false};
  const PathTrace trace = way.look();
  BOOST_TEST(names_of(trace) == (std::vector<std::string>{"192.0.2.201", "192.0.2.202", "192.0.2.203", "192.0.2.20"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_large_interface_is_no_reason_to_say_anything_wrong) {
  Way way{.routers = three, .mtu = 9000, .mtu_back = 2076};
  BOOST_TEST(way.look(9000).mtu == 9000U);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(evidence_queue)

namespace {
wire::EvidenceOrder order(std::uint64_t id, bool at_leisure = false) {
  return {.id = id, .to = SiteId::known("athens"), .patience = 10s, .at_leisure = at_leisure};
}
}  // namespace

BOOST_AUTO_TEST_CASE(urgent_orders_go_first_and_the_others_wait_while_a_run_is_under_way) {
  EvidenceQueue queue;
  EvidenceQueue::Refused refused;
  const MonoTime now(1h);
  queue.add(now, {}, order(1, true), refused);
  queue.add(now, {}, order(2), refused);
  queue.add(now, {}, order(2), refused);  // the same once more
  BOOST_TEST(queue.take(now, {}, true, refused).value().id == 2U);
  BOOST_TEST(!queue.take(now, {}, true, refused).has_value());
  BOOST_TEST(queue.take(now, {}, false, refused).value().id == 1U);
  BOOST_TEST(refused.empty());
}

BOOST_AUTO_TEST_CASE(what_does_not_get_its_turn_or_finds_no_room_is_answered) {
  EvidenceQueue queue;
  EvidenceQueue::Refused refused;
  const MonoTime now(1h);
  for (std::uint64_t id = 1; id <= EvidenceQueue::most_orders + 1; ++id) queue.add(now, {}, order(id), refused);
  BOOST_TEST_REQUIRE(refused.size() == 1U);
  BOOST_TEST(refused[0].id == EvidenceQueue::most_orders + 1);
  BOOST_TEST(!refused[0].trace.trouble.empty());
  refused.clear();
  BOOST_TEST(!queue.take(now + 11s, {}, false, refused).has_value());
  BOOST_TEST(refused.size() == EvidenceQueue::most_orders);
}

BOOST_AUTO_TEST_SUITE_END()
