// A latency that creeps, and what is usual: judged link by link.
#include "coordinator/core/verdicts.h"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <string>

#include "coordinator/core/incidents.h"
#include "sample_results.h"

using namespace sonde;
using namespace sonde::test;
using namespace std::chrono_literals;

namespace {

/// Four sites that measure each other every ten seconds. delay_rise forgets what is older than ten minutes.
struct Meshed {
  Meshed() {
    for (const char* name : {"athens", "berlin", "gdansk", "lisbon"}) {
      SiteSpec site;
      site.site = SiteId::known(name);
      mesh.sites.push_back(site);
      agents[site.site].route = "r";
    }
    incidents.set_mesh(mesh, {});
  }
  static Link link(const char* from, const char* to) { return {SiteId::known(from), SiteId::known(to)}; }
  double delay_ms(const Link& on, int at) const { return 20 + extra(on, at); }

  void measure(const Link& on) {
    Result result = make_result(++seq, Probe::latency, 10.0 * interval, Outcome::ok, on.from.str(), on.to.str());
    const double here = delay_ms(on, interval);
    double least = here;
    for (int past = std::max(0, interval - 60); past < interval; ++past) least = std::min(least, delay_ms(on, past));
    const double back = delay_ms({on.to, on.from}, interval);
    for (const auto& [metric, ms] : {std::pair{Metric::rtt, here + back}, {Metric::delay_rise, here - least}}) {
      Distribution samples;
      for (int i = 0; i < 50; ++i) samples.add(static_cast<std::int64_t>((ms + 0.002 * i) * 1e6));
      result.distributions.push_back({metric, samples});
    }
    if (synchronised) {
      Distribution samples;
      samples.add(static_cast<std::int64_t>(here * 1e6), 50);
      result.distributions.push_back({Metric::delay, samples});
      result.details.push_back({"error_s", 0.001});
    } else {
      result.set(Tag::unsynced);
    }
    incidents.on_result(result, at_s(10 * interval), agents);
  }
  void run(int intervals) {
    for (int i = 0; i < intervals; ++i) {
      ++interval;
      for (auto& [id, agent] : agents) agent.last_heard = at_s(10 * interval);
      for (const SiteSpec& from : mesh.sites)
        for (const SiteSpec& to : mesh.sites)
          if (from.site != to.site) measure({from.site, to.site});
      Incidents::Out out;
      incidents.tick(at_s(10 * interval), agents, out);
    }
  }
  std::string open() const {
    std::string text;
    for (const Incident* incident : incidents.list())
      if (incident->open()) text += incident->summary + "\n";
    return text;
  }

  Mesh mesh;
  AgentStatuses agents;
  Incidents incidents;
  std::function<double(const Link&, int)> extra = [](const Link&, int) { return 0.0; };
  bool synchronised = false;
  int interval = 0;
  std::uint64_t seq = 0;
};

/// 0.3 ms a minute from minute 10 on: what delay_rise can see of it is 3 ms.
double creeping(int interval, int until = 1'000'000) { return 0.05 * std::clamp(interval - 60, 0, until - 60); }

}  // namespace

BOOST_AUTO_TEST_SUITE(verdicts)

BOOST_AUTO_TEST_CASE(a_latency_that_creeps_is_raised_without_a_direction_where_clocks_say_none) {
  Meshed net;
  net.extra = [](const Link& on, int interval) {
    return on == Meshed::link("athens", "berlin") ? creeping(interval) : 0.0;
  };
  net.run(60 + 190);  // by now 9.5 ms, less than a quarter of the round trip
  BOOST_TEST(net.open() == "");
  net.run(60);
  BOOST_TEST(net.open() == "athens and berlin: the links are slower than usual\n");
}

BOOST_AUTO_TEST_CASE(synchronised_clocks_give_a_creeping_latency_its_direction) {
  Meshed net;
  net.synchronised = true;
  net.extra = [](const Link& on, int interval) {
    return on == Meshed::link("athens", "berlin") ? creeping(interval) : 0.0;
  };
  net.run(60 + 190);
  BOOST_TEST(net.open() == "");
  net.run(60);
  BOOST_TEST(net.open() == "athens -> berlin: the link is slower than usual\n");
}

BOOST_AUTO_TEST_CASE(it_stays_raised_while_it_stays_slow_and_clears_when_it_is_over) {
  Meshed net;
  net.extra = [](const Link& on, int interval) {
    const bool slow = on == Meshed::link("athens", "berlin") && interval < 2000;
    return slow ? creeping(interval, 400) : 0.0;
  };
  net.run(1999);  // five hours and a half
  BOOST_TEST(net.open() == "athens and berlin: the links are slower than usual\n");
  net.run(10);
  BOOST_TEST(net.open() == "");
}

BOOST_AUTO_TEST_CASE(a_step_keeps_its_direction_however_long_it_lasts) {
  Meshed net;
  net.extra = [](const Link& on, int interval) {
    return on == Meshed::link("athens", "berlin") && interval > 100 && interval <= 1000 ? 60.0 : 0.0;
  };
  net.run(1000);
  BOOST_TEST(net.open() == "athens -> berlin: the link is slower than usual\n");
  for (int i = 0; i < 100; ++i) {
    net.run(1);
    if (i >= 5) BOOST_TEST_REQUIRE(net.open() == "");  // nor is it the way back afterwards
  }
}

BOOST_AUTO_TEST_CASE(a_day_that_was_worse_does_not_become_usual) {
  UsualValue less(3, UsualValue::Better::less);
  const auto day = [&](UsualValue& usual, int number, double value) {
    for (int i = 0; i < 3; ++i) usual.add(value, at_s(number * 100'000 + i));
  };
  day(less, 0, 10);
  day(less, 1, 14);
  BOOST_TEST(less.usual()->middle == 10);
  day(less, 2, 8);
  BOOST_TEST(less.usual()->middle == 8);
  UsualValue more(3, UsualValue::Better::more);
  day(more, 0, 10);
  day(more, 1, 8);
  BOOST_TEST(more.usual()->middle == 10);
  day(more, 2, 12);
  BOOST_TEST(more.usual()->middle == 12);
}

BOOST_AUTO_TEST_SUITE_END()
