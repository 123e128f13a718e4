#include "agent/core/doctor.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace sonde;
using namespace sonde::doctor;
using namespace std::chrono_literals;

namespace {

const SiteId berlin = SiteId::known("berlin");
const SiteId athens = SiteId::known("athens");

Host good_host() {
  Host host{.clock_synchronised = true,
            .clock_error = 2ms,
            .receive_stamps = true,
            .send_stamps = true,
            .queue_stamps = true};
  host.ports = {{"UDP 7101", true}, {"TCP 7101", true}, {"TCP 7102", true}};
  host.spool_folder = "/var/lib/sonde-agent";
  host.spool_free = Bytes{10'000'000'000};
  host.spool_wanted = Bytes{256'000'000};
  host.open_files = 65'536;
  host.agent = Privileges{.real_time = true, .capabilities = 0};
  return host;
}

Control good_control() {
  Control control{.reached = Control::Reached::answer, .endpoint = "tcp://192.0.2.1:7100"};
  control.took = 20ms;
  control.offset = 3ms;
  Member member;
  member.site = berlin;
  Timetable timetable;
  timetable.members = {member};
  control.situation = wire::Situation{.mesh = "europe",
                                      .now = shared_from_ns(0),
                                      .silence = 1s,
                                      .agent_version = "0.1.0",
                                      .timetable = timetable,
                                      .links = {}};
  return control;
}

Peer good_peer() {
  Peer peer{.site = athens, .address = "192.0.2.20:7101"};
  peer.stamp = 40ms;
  peer.mtu = peer.tried_mtu = 1500;
  return peer;
}

wire::Situation news(const std::string& state) {
  return {.mesh = "europe",
          .now = shared_from_ns(0),
          .silence = 1s,
          .agent_version = {},
          .timetable = {},
          .links = {{{athens, berlin}, Probe::latency, state, 4s}, {{berlin, athens}, Probe::latency, "down", 4s}}};
}

Verdict verdict(const Findings& findings, std::string_view check) {
  const auto found = std::ranges::find(findings, check, &Finding::check);
  BOOST_TEST_REQUIRE((found != findings.end()), check);
  return found->verdict;
}

std::string text(const Findings& findings, std::string_view check) {
  const auto found = std::ranges::find(findings, check, &Finding::check);
  BOOST_TEST_REQUIRE((found != findings.end()), check);
  return found->what + (found->remedy.empty() ? "" : " -> " + found->remedy);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(doctor_findings)

BOOST_AUTO_TEST_CASE(nothing_is_found_where_all_is_well) {
  for (const Findings& findings :
       {examine(good_host()), examine(good_control(), berlin, true), examine({good_peer()}, news("ok"), berlin, true)})
    for (const Finding& finding : findings) {
      BOOST_TEST((finding.verdict == Verdict::ok), finding.check << ": " << finding.what);
      BOOST_TEST(finding.remedy.empty());
    }
}

BOOST_AUTO_TEST_CASE(a_clock_without_a_bound_is_worth_a_note_and_no_alarm) {
  Host host = good_host();
  host.clock_error.reset();
  BOOST_TEST((verdict(examine(host), "clock") == Verdict::note));
  host.clock_synchronised = false;
  BOOST_TEST(text(examine(host), "clock").starts_with("no daemon keeps it synchronised"));
  BOOST_TEST(is_well(examine(host)));
  host.clock_configured = true;
  BOOST_TEST((verdict(examine(host), "clock") == Verdict::ok));
}

BOOST_AUTO_TEST_CASE(missing_stamps_are_named) {
  Host host = good_host();
  host.send_stamps = host.queue_stamps = false;
  BOOST_TEST(text(examine(host), "kernel timestamps").starts_with("missing: departure, queueing; "));
}

BOOST_AUTO_TEST_CASE(what_the_agent_is_allowed_is_compared_with_what_it_needs) {
  Host host = good_host();
  host.agent->capabilities = std::uint64_t{1} << 10U;  // CAP_NET_BIND_SERVICE
  BOOST_TEST(text(examine(host), "capabilities") ==
             "the agent has real-time priority for its packets, and no capability that it does not need");
  host.agent->capabilities = ~std::uint64_t{0};  // root
  BOOST_TEST((verdict(examine(host), "capabilities") == Verdict::note));
  host.agent = Privileges{};
  BOOST_TEST(text(examine(host), "capabilities").starts_with("the agent has no real-time priority"));
  BOOST_TEST(text(examine(host), "capabilities").find(" -> give its unit LimitRTPRIO") != std::string::npos);
  host.agent.reset();
  BOOST_TEST((verdict(examine(host), "capabilities") == Verdict::note));
  BOOST_TEST(is_well(examine(host)));
}

BOOST_AUTO_TEST_CASE(a_port_is_open_or_free_or_forbidden) {
  Host host = good_host();
  host.ports = {{"UDP 7101", false}};
  BOOST_TEST(text(examine(host), "port") ==
             "UDP 7101 is free: no agent runs here -> start it: systemctl start sonde-agent");
  host.ports = {{"UDP 862", false, "Permission denied"}};
  BOOST_TEST((verdict(examine(host), "port") == Verdict::bad));
}

BOOST_AUTO_TEST_CASE(a_disk_without_room_for_the_spool_is_bad) {
  Host host = good_host();
  host.spool_free = Bytes{100'000'000};
  BOOST_TEST(
      text(examine(host), "spool") ==
      "100 MB free in /var/lib/sonde-agent, but it may grow by 256 MB -> make room, or give spool.max_size less");
  host.spool_free.reset();
  BOOST_TEST((verdict(examine(host), "spool") == Verdict::note));
  host.spool_refusal = "No such file or directory";
  BOOST_TEST((verdict(examine(host), "spool") == Verdict::bad));
}

BOOST_AUTO_TEST_CASE(the_way_to_the_coordinator_ends_at_a_named_step) {
  Control control{.reached = Control::Reached::nothing, .endpoint = "tcp://hub:7100", .reason = "Name not known"};
  const auto said = [&] { return text(examine(control, berlin, true), "coordinator"); };
  BOOST_TEST(said().starts_with("tcp://hub:7100: its name cannot be resolved: Name not known"));
  control.reached = Control::Reached::address;
  BOOST_TEST(said().starts_with("tcp://hub:7100: no connection"));
  control.reached = Control::Reached::port;
  BOOST_TEST(said().starts_with("tcp://hub:7100: the keys do not fit"));
  control.reached = Control::Reached::key;
  BOOST_TEST(said().starts_with("tcp://hub:7100: it does not answer"));
  BOOST_TEST(!is_well(examine(control, berlin, true)));
}

BOOST_AUTO_TEST_CASE(the_coordinators_view_of_the_agent_counts) {
  Control control = good_control();
  control.situation->silence = 20s;
  BOOST_TEST(text(examine(control, berlin, true), "agent") ==
             "the coordinator heard this site's agent 20 s ago -> see journalctl -u sonde-agent");
  BOOST_TEST(text(examine(control, berlin, false), "agent").ends_with("-> start it: systemctl start sonde-agent"));
  BOOST_TEST(is_well(examine(control, berlin, false)));
  control.situation->silence.reset();
  BOOST_TEST((verdict(examine(control, berlin, true), "agent") == Verdict::bad));
  BOOST_TEST((verdict(examine(control, athens, true), "membership") == Verdict::bad));
}

BOOST_AUTO_TEST_CASE(a_clock_far_from_the_coordinators_is_noted_with_its_side) {
  Control control = good_control();
  control.offset = -3s;
  BOOST_TEST(
      text(examine(control, berlin, true), "clock offset").starts_with("3 s ahead of the coordinator's, +- 10 ms"));
  control.offset = 3s;
  BOOST_TEST(text(examine(control, berlin, true), "clock offset").starts_with("3 s behind"));
  control.offset = 900ms;
  BOOST_TEST((verdict(examine(control, berlin, true), "clock offset") == Verdict::ok));
}

BOOST_AUTO_TEST_CASE(both_ways_to_a_peer_are_told_apart) {
  Peer peer = good_peer();
  peer.stamp.reset();
  peer.mtu = 0;
  peer.peer_port = "TCP 7102: Connection refused";
  Findings findings = examine({peer}, news("ok"), berlin, true);
  BOOST_TEST(text(findings, "to athens")
                 .starts_with("192.0.2.20:7101: its reflector does not answer (UDP); TCP 7102: Connection refused"));
  BOOST_TEST((verdict(findings, "from athens") == Verdict::ok));
  findings = examine({good_peer()}, news("down"), berlin, true);
  BOOST_TEST((verdict(findings, "to athens") == Verdict::ok));
  BOOST_TEST(text(findings, "from athens").starts_with("latency down (4 s ago) -> let this host's firewall pass"));
  BOOST_TEST((verdict(examine({good_peer()}, news("down"), berlin, false), "from athens") == Verdict::note));
  findings = examine({good_peer()}, news("agent_silent"), berlin, true);
  BOOST_TEST(text(findings, "from athens") == "latency agent_silent (4 s ago) -> start the agent at athens");
}

BOOST_AUTO_TEST_CASE(a_small_mtu_is_noted_and_the_first_links_own_is_not) {
  Peer peer = good_peer();
  peer.mtu = 1420;
  BOOST_TEST((verdict(examine({peer}, news("ok"), berlin, true), "MTU to athens") == Verdict::note));
  peer.tried_mtu = 1420;
  BOOST_TEST((verdict(examine({peer}, news("ok"), berlin, true), "MTU to athens") == Verdict::ok));
}

BOOST_AUTO_TEST_CASE(who_cannot_be_reached_by_design_is_no_trouble) {
  Peer peer{.site = athens};
  peer.inbound = false;
  BOOST_TEST(is_well(examine({peer}, news("ok"), berlin, true)));
  peer.inbound = true;
  BOOST_TEST(text(examine({peer}, news("ok"), berlin, true), "to athens")
                 .starts_with("none of its addresses can be resolved"));
}

BOOST_AUTO_TEST_SUITE_END()
