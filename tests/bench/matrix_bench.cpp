// The live matrix by itself (G11): what a link takes in memory, and how long the cells of a mesh take to compute.
//   bench_matrix SITES RESULTS     RESULTS of latency for each link, as the default policy brings them; prints one JSON
//   object
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "coordinator/core/matrix.h"
#include "tests/bench/mesh_results.h"

namespace {

using namespace sonde;
using namespace std::chrono_literals;

constexpr SharedTime began = shared_from_ns(1'795'176'000'000'000'000);
constexpr nanoseconds every = 10s;
constexpr std::size_t kinds_of_links = 2'000;  // a million links of their own would take minutes to make up

std::size_t resident() {
  std::ifstream statm("/proc/self/statm");
  std::size_t all = 0;
  std::size_t here = 0;
  statm >> all >> here;
  return here * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

template <typename Do>
double took_ms(Do act) {
  const auto start = std::chrono::steady_clock::now();
  act();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

class Bench {
 public:
  explicit Bench(std::size_t sites) : size_(sites), names_(sites), kinds_(50) {
    Mesh mesh;
    for (std::size_t i = 0; i < sites; ++i) {
      SiteSpec site;
      site.site = names_.site(i);
      mesh.sites.push_back(site);
    }
    matrix_.set_mesh(mesh);
    matrix_.tick(began);
    matrix_.keep(CellQuery{.at = began});
    for (std::size_t kind = 0; kind < kinds_of_links; ++kind)
      pool_.push_back(
          kinds_.latency(kind % 50, kind / 50 % 50 + (kind % 50 == kind / 50 % 50 ? 1 : 0) % 50, 1, began, 1));
  }

  /// One result of every link, as if all had ended together.
  double round(std::size_t number) {
    now_ = began + static_cast<std::int64_t>(number + 1) * every;
    double ms = 0;
    for (std::size_t from = 0; from < size_; ++from) {
      std::vector<Result> row;
      for (std::size_t to = 0; to < size_; ++to) {
        if (to == from) continue;
        Result result = pool_[(from * size_ + to * 7 + number * 13) % pool_.size()];
        result.id = {names_.site(from), 1, number + 1};
        result.to = names_.site(to);
        result.started_at = result.scheduled_at = now_ - every;
        result.finished_at = now_;
        row.push_back(std::move(result));
      }
      matrix_.on_heard(names_.site(from), now_);
      ms += took_ms([&] {
        for (const Result& result : row) matrix_.on_result(result);
      });
    }
    matrix_.take_changed();
    return ms;
  }

  double ask(nanoseconds window) {
    now_ += 1ms;
    std::uint64_t samples = 0;
    const double ms = took_ms([&] {
      matrix_.each_cell(CellQuery{.window = window, .at = now_},
                        [&](std::size_t, std::size_t, const Cell& cell) { samples += cell.value ? cell.count : 0; });
    });
    if (samples == 0) std::abort();
    return ms;
  }

  double turn() {
    now_ += 100ms;
    return took_ms([&] { matrix_.tick(now_); });
  }

 private:
  std::size_t size_;
  bench::MeshResults names_;
  bench::MeshResults kinds_;
  std::vector<Result> pool_;
  Matrix matrix_;
  SharedTime now_ = began;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const auto sites = static_cast<std::size_t>(std::atoi(argv[1]));
  const auto results = static_cast<std::size_t>(std::atoi(argv[2]));
  const double links = static_cast<double>(sites) * static_cast<double>(sites - 1);
  const auto mesh = std::make_unique<Bench>(sites);
  const std::size_t before = resident();
  double taken_ms = 0;
  for (std::size_t number = 0; number < results; ++number) taken_ms += mesh->round(number);
  const double per_link = static_cast<double>(resident() - before) / links;
  const double kept_ms = mesh->ask(1h);
  const double again_ms = mesh->ask(1h);
  const double first_ms = mesh->ask(5min);
  const double then_ms = mesh->ask(5min);
  double turn_ms = 0;
  for (int turn = 0; turn < 64; ++turn) turn_ms = std::max(turn_ms, mesh->turn());
  fmt::print(
      R"({{"sites":{},"results":{},"octets_per_link":{:.0f},"result_us":{:.2f},"hour_ms":{:.1f},"hour_again_ms":{:.1f},)"
      R"("five_minutes_first_ms":{:.1f},"five_minutes_ms":{:.1f},"turn_ms":{:.1f}}})"
      "\n",
      sites, results, per_link, taken_ms * 1000 / links / static_cast<double>(results), kept_ms, again_ms, first_ms,
      then_ms, turn_ms);
  return 0;
}
