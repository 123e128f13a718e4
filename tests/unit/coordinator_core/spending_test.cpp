// What probes put on the wire, held against the budget of each site, and the incident that comes of it.
#include "coordinator/core/spending.h"

#include <boost/test/unit_test.hpp>

#include "coordinator/core/incidents.h"
#include "coordinator/core/probe_cost.h"
#include "sample_results.h"

using namespace sonde;
using namespace sonde::test;
using namespace std::chrono_literals;

namespace {

constexpr double day_s = 86'400;

/// Berlin may spend 10 MB a month.
Mesh with_budget(std::uint64_t octets = 10'000'000) {
  Mesh mesh = make_mesh();
  mesh.sites[0].bytes_per_month = Bytes{octets};
  return mesh;
}

Result transfer(std::uint64_t seq, double finished_s, double bytes, std::string_view from = "berlin",
                std::string_view to = "athens") {
  Result result = make_result(seq, Probe::throughput, finished_s, Outcome::ok, from, to);
  result.details.push_back({"bytes", bytes});
  return result;
}

struct Case {
  Spending spending;
  AlertPolicy policy;
  explicit Case(const Mesh& mesh = with_budget()) { spending.set_mesh(mesh, policy); }
  void add(const Result& result) { spending.add(result, result.finished_at); }
  bool over(double at) {
    spending.tick(at_s(at));
    return !spending.overdrafts(at_s(at)).empty();
  }
};

const SiteId berlin = SiteId::known("berlin");
const SiteId athens = SiteId::known("athens");

}  // namespace

BOOST_AUTO_TEST_SUITE(spending)

BOOST_AUTO_TEST_CASE(each_probe_counts_what_it_sent_and_what_came_back) {
  const Mesh mesh = make_mesh();
  const double packet = latency_packet_octets(mesh.sites[1]);
  BOOST_TEST(packet > 70);
  const Result latency = with_ratio(make_result(1, Probe::latency, 0), Metric::loss_rtt, 20, 100);
  BOOST_TEST(octets_spent(latency, packet) == 180 * packet);
  BOOST_TEST(octets_spent(make_result(2, Probe::connect, 0), packet) == connect_run_octets);
  BOOST_TEST(octets_spent(transfer(3, 0, 1e6), packet) == transfer_octets(1e6));
  BOOST_TEST(transfer_octets(1e6) > 1.05e6);
  BOOST_TEST(octets_spent(make_result(4, Probe::connect, 0, Outcome::skipped), packet) == 0);
  BOOST_TEST(octets_spent(make_result(5, Probe::throughput, 0, Outcome::timeout), packet) == 0);
}

BOOST_AUTO_TEST_CASE(both_sites_spend_it_and_a_stranger_does_not) {
  Case one;
  one.add(transfer(1, 0, 1e6));
  one.add(transfer(2, 0, 1e6, "athens", "gdansk"));
  one.add(transfer(3, 0, 1e6, "nowhere", "berlin"));
  BOOST_TEST(one.spending.spent(berlin, at_s(0)) == transfer_octets(1e6));
  BOOST_TEST(one.spending.spent(athens, at_s(0)) == 2 * transfer_octets(1e6));
  BOOST_TEST(one.spending.budget(berlin).value() == 1e7);
  BOOST_TEST(!one.spending.budget(athens).has_value());
}

BOOST_AUTO_TEST_CASE(thirty_one_days_count) {
  Case one;
  one.add(transfer(1, 0, 1e6));
  one.add(transfer(2, 30 * day_s, 1e6));
  BOOST_TEST(one.spending.spent(berlin, at_s(30 * day_s)) == 2 * transfer_octets(1e6));
  BOOST_TEST(one.spending.spent(berlin, at_s(31 * day_s)) == transfer_octets(1e6));
  // Late ones count on their own day; those that are older than all that counts do not.
  one.spending.add(transfer(3, 10 * day_s, 1e6), at_s(31 * day_s));
  one.spending.add(transfer(4, 0, 1e6), at_s(31 * day_s));
  one.spending.add(transfer(5, 40 * day_s, 1e6), at_s(31 * day_s));
  BOOST_TEST(one.spending.spent(berlin, at_s(31 * day_s)) == 2 * transfer_octets(1e6));
}

BOOST_AUTO_TEST_CASE(it_is_raised_at_one_level_and_cleared_at_another) {
  Case one;
  one.policy.budget.raise = 0.8;
  one.policy.budget.clear = 0.5;
  one.spending.set_mesh(with_budget(), one.policy);
  one.add(transfer(1, 0, 5e6));
  BOOST_TEST(!one.over(0));
  one.add(transfer(2, 10 * day_s, 3e6));
  BOOST_TEST(one.over(10 * day_s));
  BOOST_TEST(one.spending.overdrafts(at_s(10 * day_s))[0].site.str() == "berlin");
  one.spending.set_mesh(with_budget(14'000'000), one.policy);  // 60 %: between the levels
  BOOST_TEST(one.over(11 * day_s));
  BOOST_TEST(!one.over(31 * day_s));  // what the first day took does not count any more
}

BOOST_AUTO_TEST_CASE(it_waits_as_long_as_the_rule_says_and_is_silent_where_it_is_off) {
  Case one;
  one.policy.budget.hold = 10min;
  one.spending.set_mesh(with_budget(), one.policy);
  one.add(transfer(1, 0, 2e7));
  BOOST_TEST(!one.over(0));
  BOOST_TEST(!one.over(599));
  BOOST_TEST(one.over(600));
  one.policy.budget.on = false;
  one.spending.set_mesh(with_budget(), one.policy);
  BOOST_TEST(!one.over(700));
  one.policy = {};
  one.policy.on = false;
  one.spending.set_mesh(with_budget(), one.policy);
  BOOST_TEST(!one.over(800));
}

BOOST_AUTO_TEST_CASE(it_survives_a_restart) {
  Case one;
  one.policy.budget.clear = 0.5;
  one.spending.set_mesh(with_budget(), one.policy);
  one.add(transfer(1, 0, 9.4e6));
  BOOST_TEST(one.over(0));
  Spending later;
  later.restore(one.spending.save() + "day\tberlin\tx\t5\nnonsense\n");
  later.set_mesh(with_budget(15'000'000), one.policy);  // below the raise level, above the clear level
  later.tick(at_s(60));
  BOOST_REQUIRE(later.overdrafts(at_s(60)).size() == 1U);
  BOOST_TEST((later.overdrafts(at_s(60))[0].since == at_s(0)));
  BOOST_TEST(later.spent(athens, at_s(60)) == one.spending.spent(athens, at_s(60)), boost::test_tools::tolerance(1e-6));
}

BOOST_AUTO_TEST_CASE(an_overdraft_is_an_incident_of_its_site_until_it_is_over) {
  Incidents incidents;
  AlertPolicy policy;
  policy.budget.severity = AlertSeverity::critical;
  policy.budget.runbook = "https://example.net/budget";
  incidents.set_mesh(with_budget(), policy);
  Incidents::Out out;
  incidents.set_overdrafts({{.site = berlin, .spent = 10.24e6, .budget = 1e7, .since = at_s(0)}});
  incidents.tick(at_s(1), {}, out);
  BOOST_REQUIRE(incidents.list().size() == 1U);
  const Incident& one = *incidents.list()[0];
  BOOST_TEST(one.open());
  BOOST_TEST((one.cause.kind == CauseKind::budget));
  BOOST_TEST((one.severity == AlertSeverity::critical));
  BOOST_TEST(one.runbook == "https://example.net/budget");
  BOOST_TEST(one.summary == "berlin: its budget of bytes is reached, 10.2 MB of 10.0 MB in 31 days");
  BOOST_TEST(one.links.empty());  // no cell of the matrix is bad for it
  Incidents again;
  again.set_mesh(with_budget(), policy);
  again.restore({one});
  again.set_overdrafts({{.site = berlin, .spent = 10.24e6, .budget = 1e7, .since = at_s(0)}});
  again.tick(at_s(100), {}, out);
  BOOST_TEST(again.list().size() == 1U);
  BOOST_TEST(again.list()[0]->open());
  incidents.set_overdrafts({});
  incidents.tick(at_s(2), {}, out);
  BOOST_TEST(!incidents.list()[0]->open());
}

BOOST_AUTO_TEST_SUITE_END()
