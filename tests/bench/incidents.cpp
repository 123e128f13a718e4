// Prints one JSON object a line: the sums over many seeded fault scenarios of one kind. tests/bench/incidents.py
// judges.
//
//     bench_incidents SITES FAULTS whole|partial|measuring COUNT [--stories]
//     bench_incidents --search SITES BAD
// The second times the search for causes where one link in BAD is bad: how long one takes of a one-way signal and of
// one that needs an answer.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "coordinator/core/causes.h"
#include "shared/base/random.h"
#include "tests/sim/mesh/incident_scenario.h"

namespace {

using sonde::sim::play;
using sonde::sim::ScenarioOutcome;
using sonde::sim::ScenarioPlan;

int at_share(std::vector<int>& values, double share) {
  if (values.empty()) return -1;
  std::ranges::sort(values);
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

/// Milliseconds of one search, the median of five.
double search_ms(const sonde::CausesInput& input, std::size_t& causes) {
  std::vector<double> took;
  for (int round = 0; round < 5; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    causes = sonde::find_causes(input).size();
    took.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
  }
  std::ranges::sort(took);
  return took[took.size() / 2];
}

int time_search(std::size_t sites, std::uint64_t one_in) {
  using namespace std::chrono_literals;
  sonde::Mesh mesh;
  for (std::size_t i = 0; i < sites; ++i) {
    sonde::SiteSpec site;
    site.site = sonde::SiteId::known(fmt::format("s{}", i));
    mesh.sites.push_back(site);
  }
  sonde::Random random(sites);
  const sonde::SharedTime now = sonde::shared_from_ns(0) + 1h;
  std::vector<sonde::Observation> links(sites * sites);
  std::size_t bad = 0;
  for (std::size_t i = 0; i < links.size(); ++i) {
    if (i / sites == i % sites) continue;
    links[i] = {.known = true, .goods = 9, .every = 10s, .newest = now};
    if (random.below(one_in) != 0) continue;
    links[i] = {.known = true,
                .raised = true,
                .bad = 3 * sonde::weight_of_bad(),
                .since = now - 30s,
                .goods_before = 9,
                .every = 10s,
                .newest = now};
    ++bad;
  }
  const std::vector<sonde::SiteFacts> facts(sites);
  const std::vector<sonde::Cause> none;
  const auto input = [&](bool loop) {
    return sonde::CausesInput{.mesh = mesh, .links = links, .sites = facts, .loop = loop, .open = none, .found = none};
  };
  std::size_t causes = 0;
  std::size_t loop_causes = 0;
  const double one_way = search_ms(input(false), causes);
  const double loop = search_ms(input(true), loop_causes);
  fmt::print(R"({{"sites":{},"bad":{},"one_way_ms":{:.1f},"loop_ms":{:.1f},"causes":{},"loop_causes":{}}})"
             "\n",
             sites, bad, one_way, loop, causes, loop_causes);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && std::string_view(argv[1]) == "--search")
    return time_search(static_cast<std::size_t>(std::atoi(argv[2])), static_cast<std::uint64_t>(std::atoi(argv[3])));
  if (argc < 5) {
    fmt::print(stderr, "bench_incidents SITES FAULTS whole|partial|measuring COUNT [--stories] | --search SITES BAD\n");
    return 2;
  }
  ScenarioPlan plan;
  plan.sites = static_cast<std::size_t>(std::atoi(argv[1]));
  plan.faults = static_cast<std::size_t>(std::atoi(argv[2]));
  const std::string_view kind = argv[3];
  plan.partial = kind == "partial";
  plan.measuring = kind == "measuring";
  const int count = std::atoi(argv[4]);
  const bool stories = argc > 5 && std::string_view(argv[5]) == "--stories";
  ScenarioOutcome sum;
  std::size_t faults = 0;
  std::size_t single = 0;
  for (int i = 0; i < count; ++i) {
    plan.seed = static_cast<std::uint64_t>(i) + 1000 * plan.sites + 100'000 * plan.faults +
                (plan.partial ? 10'000'000 : 0) + (plan.measuring ? 20'000'000 : 0);
    const ScenarioOutcome one = play(plan);
    faults += one.faults.size();
    single += one.incidents == one.faults.size() ? 1U : 0U;
    sum.right += one.right;
    sum.incidents += one.incidents;
    sum.wrong += one.wrong;
    sum.never_cleared += one.never_cleared;
    sum.maddash_right += one.maddash_right;
    sum.maddash_wrong += one.maddash_wrong;
    sum.maddash_named += one.maddash_named;
    sum.alerts_by_link += one.alerts_by_link;
    sum.raise.insert(sum.raise.end(), one.raise.begin(), one.raise.end());
    sum.clear.insert(sum.clear.end(), one.clear.begin(), one.clear.end());
    if (stories && (one.right != one.faults.size() || one.incidents != one.faults.size()))
      fmt::print(stderr, "seed {}: right {} of {}, {} incidents, {} wrong\n{}", plan.seed, one.right, one.faults.size(),
                 one.incidents, one.wrong, one.story);
  }
  fmt::print(
      R"({{"sites":{},"faults":{},"kind":"{}","scenarios":{},"injected":{},"right":{},"incidents":{},"wrong":{},)"
      R"("single":{},"never_cleared":{},"raise_p50":{},"raise_p95":{},"clear_p50":{},"clear_p95":{},)"
      R"("maddash_right":{},"maddash_wrong":{},"maddash_named":{},"alerts_by_link":{}}})"
      "\n",
      plan.sites, plan.faults, kind, count, faults, sum.right, sum.incidents, sum.wrong, single, sum.never_cleared,
      at_share(sum.raise, 0.5), at_share(sum.raise, 0.95), at_share(sum.clear, 0.5), at_share(sum.clear, 0.95),
      sum.maddash_right, sum.maddash_wrong, sum.maddash_named, sum.alerts_by_link);
  return 0;
}
