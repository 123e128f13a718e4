// Agents of a mesh that send results as fast as they are acknowledged: what a coordinator takes in, durably and into
// its live matrix, over CURVE. bench_ingest write FOLDER SITES KIND COUNT makes keys and configuration; bench_ingest
// send FOLDER SITES KIND COUNT sends, and says what came of it; bench_ingest plain FOLDER SITES KIND COUNT puts the
// same results into a plain table of SQLite with an index. KIND: bare (no distributions), rtt (that one), full (all
// five), mix (full, and connect results as the default policy has them).
#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <zmq.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "coordinator/store/sqlite.h"
#include "shared/io/curve_keys.h"
#include "shared/io/zmq_link.h"
#include "shared/wire/codec.h"
#include "tests/bench/mesh_results.h"

namespace {

using namespace sonde;
using namespace std::chrono_literals;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int control_port = 17290;
constexpr int http_port = 18290;
constexpr std::size_t results_in_a_batch = 500;

struct Task {
  fs::path folder;
  std::size_t sites = 0;
  std::string kind;
  std::size_t count = 0;
};

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

void write_files(const Task& task) {
  fs::create_directories(task.folder / "agents");
  if (!io::write_new_key_pair(task.folder, "coordinator")) throw std::runtime_error("no keys");
  std::ofstream yaml(task.folder / "coordinator.yaml");
  yaml << fmt::format(
      "mesh: bench\ncontrol: tcp://127.0.0.1:{}\nhttp: 127.0.0.1:{}\nkeys: {{secret: coordinator.secret, agents: "
      "agents/}}\nstore: sqlite://results.db\nprobes: {{throughput: off}}\nsites:\n",
      control_port, http_port);
  for (std::size_t i = 0; i < task.sites; ++i) {
    const std::string site = fmt::format("site-{}", i);
    if (!io::write_new_key_pair(task.folder / "agents", site)) throw std::runtime_error("no keys");
    yaml << fmt::format("  - {{name: {}, address: 127.0.0.1, port: {}}}\n", site, 30000 + i);
  }
}

/// The results of one site: each link in turn, the newest just before now.
std::vector<Result> make_results(bench::MeshResults& mesh, std::size_t from, const std::string& kind,
                                 std::size_t count) {
  const auto now = std::chrono::duration_cast<nanoseconds>(std::chrono::system_clock::now().time_since_epoch());
  // Each of its own samples: what repeats itself would take less room than it does.
  std::vector<Result> made;
  const bool mixed = kind == "mix";
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t to = (from + 1 + i % (mesh.size() - 1)) % mesh.size();
    const bool connect = mixed && i % 4 == 3;  // 10 s and 30 s
    Result result =
        connect ? mesh.connect(from, to, 1, SharedTime(now), 1) : mesh.latency(from, to, 1, SharedTime(now), 1);
    if (kind == "bare") result.distributions.clear();
    if (kind == "rtt") result.distributions.resize(1);
    made.push_back(std::move(result));
  }
  std::vector<Result> results;
  const auto step = nanoseconds(10min) / static_cast<std::int64_t>(count);
  for (std::size_t i = 0; i < count; ++i) {
    Result result = std::move(made[i]);
    const SharedTime at = SharedTime(now) - 11min + step * static_cast<std::int64_t>(i);
    const auto took = result.finished_at - result.scheduled_at;
    const auto late = *result.started_at - result.scheduled_at;
    result.scheduled_at = at;
    result.started_at = at + late;
    result.finished_at = at + took;
    result.id.seq = i + 1;
    results.push_back(std::move(result));
  }
  return results;
}

/// One agent: Hello, then encoded batches, one under way at a time.
class Sender {
 public:
  Sender(boost::asio::io_context& loop, zmq::context_t& context, const Task& task, bench::MeshResults& mesh,
         std::size_t index)
      : site_(mesh.site(index)),
        dealer_(
            loop, context, fmt::format("tcp://127.0.0.1:{}", control_port), key(task.folder / "agents", site_.str()),
            key(task.folder, "coordinator").public_key,
            [this](std::span<const std::uint8_t> bytes) { on_bytes(bytes); }, nullptr) {
    std::vector<Result> results = make_results(mesh, index, task.kind, task.count / task.sites);
    spool_ = results.front().id.spool;
    for (std::size_t i = 0; i < results.size(); i += results_in_a_batch) {
      wire::ResultBatch batch;
      const std::size_t end = std::min(results.size(), i + results_in_a_batch);
      batch.results.assign(std::make_move_iterator(results.begin() + static_cast<std::ptrdiff_t>(i)),
                           std::make_move_iterator(results.begin() + static_cast<std::ptrdiff_t>(end)));
      batches_.emplace_back(end, wire::encode(batch));
      octets_ += batches_.back().second.size();
    }
    last_seq_ = batches_.back().first;
  }

  bool welcome() const { return welcome_; }
  bool done() const { return batches_.empty(); }
  std::size_t octets() const { return octets_; }
  void hello() {
    dealer_.send(wire::encode(wire::Hello{.site = site_,
                                          .agent_version = SONDE_VERSION,
                                          .spool = spool_,
                                          .last_seq = last_seq_,
                                          .generation = {},
                                          .boot_id = "bench",
                                          .port = 30000}));
  }
  void send_next() {
    if (!batches_.empty()) dealer_.send(batches_.front().second);
  }

 private:
  static io::KeyPair key(const fs::path& folder, const std::string& name) {
    const auto pair = io::read_key_pair(folder / (name + ".secret"));
    if (!pair) throw std::runtime_error(pair.error().what);
    return *pair;
  }
  void on_bytes(std::span<const std::uint8_t> bytes) {
    const auto message = wire::decode(bytes);
    if (!message) return;
    if (std::holds_alternative<wire::Welcome>(*message)) welcome_ = true;
    if (std::holds_alternative<wire::WhoAreYou>(*message)) hello();
    const auto* stored = std::get_if<wire::Acknowledge>(&*message);
    if (stored == nullptr || stored->spool != spool_ || batches_.empty() || stored->seq < batches_.front().first)
      return;
    batches_.pop_front();
    send_next();
  }

  SiteId site_;
  std::uint64_t spool_ = 0;
  std::uint64_t last_seq_ = 0;
  std::size_t octets_ = 0;
  std::deque<std::pair<std::uint64_t, wire::Buffer>> batches_;  ///< with the last seq in each
  bool welcome_ = false;
  io::ZmqDealer dealer_;
};

void run_until(boost::asio::io_context& loop, std::chrono::seconds limit, const std::function<bool()>& reached) {
  const auto begin = Clock::now();
  while (!reached()) {
    if (Clock::now() - begin > limit) throw std::runtime_error("the coordinator does not answer");
    loop.run_for(5ms);
    loop.restart();
  }
}

void send(const Task& task) {
  boost::asio::io_context loop;
  zmq::context_t context(1);
  bench::MeshResults mesh(task.sites);
  std::vector<std::unique_ptr<Sender>> senders;
  std::size_t octets = 0;
  for (std::size_t i = 0; i < task.sites; ++i) {
    senders.push_back(std::make_unique<Sender>(loop, context, task, mesh, i));
    octets += senders.back()->octets();
  }
  const auto all = [&](auto is) {
    return std::ranges::all_of(senders, [&](const auto& sender) { return is(*sender); });
  };
  run_until(loop, 20s, [&] {
    for (const auto& sender : senders)
      if (!sender->welcome()) sender->hello();
    return all([](const Sender& sender) { return sender.welcome(); });
  });
  fmt::print("begin\n");
  std::fflush(stdout);
  const auto begin = Clock::now();
  const std::clock_t cpu = std::clock();
  for (const auto& sender : senders) sender->send_next();
  run_until(loop, 200s, [&] { return all([](const Sender& sender) { return sender.done(); }); });
  const std::size_t count = task.count / task.sites * task.sites;
  fmt::print("{} results in {:.3f} s, {:.0f} octets each on the wire, {:.2f} us of the agents' CPU each\n", count,
             seconds_since(begin), static_cast<double>(octets) / static_cast<double>(count),
             1e6 * static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC / static_cast<double>(count));
}

/// What somebody would write first: a row for each result, an index over link and time, a commit of 5,000.
void plain(const Task& task) {
  const fs::path file = task.folder / "plain.db";
  bench::MeshResults mesh(task.sites);
  std::vector<std::vector<Result>> results;
  for (std::size_t i = 0; i < task.sites; ++i)
    results.push_back(make_results(mesh, i, task.kind, task.count / task.sites));
  const auto begin = Clock::now();
  const std::clock_t cpu = std::clock();
  {
    const store::Database database(file, store::Database::Use::write);
    database.run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    database.run(
        "CREATE TABLE results (from_site INTEGER, to_site INTEGER, finished INTEGER, outcome INTEGER, p50 INTEGER, p95 "
        "INTEGER, least INTEGER, greatest INTEGER, jitter INTEGER, lost INTEGER); CREATE INDEX by_link ON results "
        "(from_site, "
        "to_site, finished)");
    store::Statement insert = database.prepare("INSERT INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    std::size_t in_commit = 0;
    database.run("BEGIN");
    for (std::size_t from = 0; from < results.size(); ++from)
      for (std::size_t i = 0; i < results[from].size(); ++i) {
        const Result& result = results[from][i];
        const DistributionValue* rtt = result.distribution_of(Metric::rtt);
        const auto quantile = [&](double q) {
          return rtt != nullptr ? static_cast<std::int64_t>(rtt->samples.quantile(q).value_or(0)) : 40'000'000;
        };
        const std::int64_t values[] = {static_cast<std::int64_t>(from),
                                       static_cast<std::int64_t>(i % task.sites),
                                       to_ns(result.finished_at),
                                       0,
                                       quantile(0.5),
                                       quantile(0.95),
                                       quantile(0),
                                       quantile(1),
                                       123'456,
                                       0};
        for (int column = 0; column < 10; ++column) insert.bind(column + 1, values[column]);
        insert.run();
        if (++in_commit % 5000 == 0) database.run("COMMIT; BEGIN");
      }
    database.run("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
  }
  const auto count = static_cast<double>(task.count / task.sites * task.sites);
  fmt::print("{:.0f} results in {:.3f} s, {:.2f} us of CPU each, {:.1f} octets each\n", count, seconds_since(begin),
             1e6 * static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC / count,
             static_cast<double>(fs::file_size(file)) / count);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    fmt::print(stderr, "usage: bench_ingest write|send|plain FOLDER SITES bare|rtt|full|mix COUNT\n");
    return 2;
  }
  const std::string verb = argv[1];
  const Task task{argv[2], std::strtoul(argv[3], nullptr, 10), argv[4], std::strtoul(argv[5], nullptr, 10)};
  try {
    if (verb == "write") write_files(task);
    if (verb == "send") send(task);
    if (verb == "plain") plain(task);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_ingest: {}\n", error.what());
    return 1;
  }
  return 0;
}
