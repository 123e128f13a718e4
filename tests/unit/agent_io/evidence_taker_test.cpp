// Looks over loopback at a real reflector, and at nobody. Only facts are asserted, no times.
#include "agent/io/evidence_taker.h"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <string_view>
#include <vector>

#include "agent/io/latency_path.h"
#include "agent/io/route_interface.h"
#include "shared/io/clock.h"
#include "tests/unit/agent_io/own_network.h"

using namespace sonde;
using namespace std::chrono_literals;

namespace {

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

LatencyPlan answers_to(const IpAddress& member) {
  LatencyPlan plan;
  plan.generation = {1};
  plan.self = SiteId::known("athens");
  plan.members = {member};
  return plan;
}

/// The answers to these looks, in their order.
std::vector<wire::EvidenceTaken> look(const std::vector<Endpoint>& targets, std::uint16_t port = 0) {
  boost::asio::io_context loop;
  std::vector<wire::EvidenceTaken> taken;
  io::EvidenceTaker taker(loop, {.address = {}, .port = port, .seed = 5},
                          {.target = [&](const SiteId& site) -> std::optional<io::TraceTarget> {
                             if (site != SiteId::known("athens")) return std::nullopt;
                             return io::TraceTarget{.addresses = targets};
                           },
                           .busy = [] { return false; },
                           .done = [&](wire::EvidenceTaken one) { taken.push_back(std::move(one)); }});
  taker.set_clock({.known = true});
  taker.order({.id = 1, .to = SiteId::known("athens"), .patience = 30s});
  taker.order({.id = 2, .to = SiteId::known("athens"), .patience = 30s});
  taker.order({.id = 3, .to = SiteId::known("mars"), .patience = 30s});
  while (taken.size() < 3 && loop.run_one_for(20s) > 0) {
  }
  return taken;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(evidence_taker)

BOOST_AUTO_TEST_CASE(a_reflector_one_hop_away_is_seen_with_its_mtu_and_the_interface) {
  test::in_own_network([] {
    for (const char* address : {"127.0.0.1", "::1"}) {
      io::LatencyPath far({ip(address), 0}, 1);
      far.configure(answers_to(ip(address)));
      const auto taken = look({far.local()}, 7102);
      BOOST_TEST_REQUIRE(taken.size() == 3U, address);
      for (std::size_t i = 0; i < 2; ++i) {
        const PathTrace& trace = taken[i].trace;
        BOOST_TEST(taken[i].id == i + 1);
        BOOST_TEST(trace.trouble == "");
        BOOST_TEST(trace.reached, address);
        BOOST_TEST_REQUIRE(trace.hops.size() == 1U);
        BOOST_TEST((trace.hops[0].kind == HopKind::target));
        BOOST_TEST(trace.hops[0].address == address);
        BOOST_TEST(trace.hops[0].rtt.has_value());
        BOOST_TEST(trace.mtu == 65'535U);
        BOOST_TEST(trace.interface == "lo");
        BOOST_TEST(!trace.counters.empty());
        // Both looks are of one flow.
        BOOST_TEST(trace.source == (Endpoint{ip(address), 7102}.str()));
        BOOST_TEST(trace.target == far.local().str());
      }
      const auto packets = std::ranges::find(taken[0].trace.counters, "tx_packets", &InterfaceCounter::name);
      BOOST_TEST_REQUIRE((packets != taken[0].trace.counters.end()));
      BOOST_TEST(packets->change > 0U);
      BOOST_TEST(packets->total >= packets->change);
      BOOST_TEST(!taken[2].trace.trouble.empty());
      BOOST_TEST(taken[2].trace.sent == 0U);
    }
  });
}

BOOST_AUTO_TEST_CASE(a_host_where_nobody_listens_refuses) {
  test::in_own_network([] {
    const auto taken = look({{ip("127.0.0.1"), 9}});
    BOOST_TEST_REQUIRE(taken.size() == 3U);
    const PathTrace& trace = taken[0].trace.sent > 0 ? taken[0].trace : taken[1].trace;
    BOOST_TEST(!trace.reached);
    BOOST_TEST_REQUIRE(trace.hops.size() == 1U);
    BOOST_TEST((trace.hops[0].kind == HopKind::refused));
    BOOST_TEST(trace.mtu == 0U);
  });
}

BOOST_AUTO_TEST_CASE(where_no_route_leads_the_reason_is_told) {
  test::in_own_network([] {
    const auto taken = look({{ip("192.0.2.1"), 7101}});
    BOOST_TEST_REQUIRE(taken.size() == 3U);
    BOOST_TEST(taken[0].trace.trouble.find("192.0.2.1:7101") != std::string::npos, taken[0].trace.trouble);
    BOOST_TEST(!io::route_interface(ip("192.0.2.1"), std::nullopt).has_value());
  });
}

BOOST_AUTO_TEST_SUITE_END()
