// kill -9 at any moment: what was acknowledged is there, and nothing is there twice.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <csignal>
#include <set>
#include <thread>

#include "coordinator/store/reader.h"
#include "coordinator/store/sqlite.h"
#include "coordinator/store/writer.h"
#include "shared/base/random.h"
#include "shared/io/fd.h"
#include "tests/unit/coordinator_store/scratch.h"

using namespace sonde;
using namespace sonde::store;
using namespace sonde::test;

namespace {

/// Stores batch after batch, from the one after what is stored, and writes each acknowledged seq into the pipe. Like an
/// agent whose acknowledgement got lost it sends the last batch again. In between it seals, rolls up and
/// gives space back.
[[noreturn]] void store_for_ever(const std::filesystem::path& file, int pipe) {
  Writer writer(file);
  const auto positions = writer.positions();
  std::uint64_t stored = positions && !positions->empty() ? positions->front().last_seq : 0;
  for (;;) {
    const std::uint64_t first = stored > 5 ? stored - 5 : 1;
    const std::vector<StoreBatch> batches{make_batch(first, stored + 10), make_batch(stored + 11, stored + 12)};
    const auto appended = writer.append(batches);
    if (!appended || !appended->back().stored) ::_exit(1);
    stored += 12;
    if (stored % 3 == 0 && !writer.seal(40)) ::_exit(3);
    if (stored % 5 == 0 && !writer.roll(at_s(static_cast<double>(stored) - 15))) ::_exit(5);
    if (!writer.give_back(50)) ::_exit(4);
    if (::write(pipe, &stored, sizeof stored) != sizeof stored) ::_exit(2);
  }
}

/// The last seq that a child acknowledged before it was killed after `life`; 0: none.
std::uint64_t run_and_kill(const std::filesystem::path& file, std::chrono::microseconds life) {
  int ends[2];
  BOOST_REQUIRE(::pipe(ends) == 0);
  const io::Fd out(ends[0]);
  io::Fd in(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) store_for_ever(file, in.get());
  in.reset();
  std::this_thread::sleep_for(life);
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  BOOST_TEST(WIFSIGNALED(status));
  std::uint64_t last = 0;
  while (::read(out.get(), &last, sizeof last) == sizeof last) {
  }
  return last;
}

/// Everything that berlin measured, from minutes and hours as far as they go.
RollUp rolled_up(Reader& reader) {
  RollUp all;
  const RollQuery query{.from = SiteId::known("berlin"), .since = at_s(-3600), .until = at_s(1e8)};
  const auto done = reader.roll_ups(query, [&](const SiteId&, SharedTime, const RollUp& roll) { all.merge(roll); });
  BOOST_REQUIRE(done.has_value());
  return all;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(killing_the_store, Scratch)

BOOST_AUTO_TEST_CASE(no_acknowledged_result_is_lost_and_none_is_there_twice) {
  Random random(20261120);
  std::uint64_t acknowledged = 0;
  for (int round = 0; round < 40; ++round) {
    const std::chrono::microseconds life(static_cast<std::int64_t>(random.below(60'000)));
    acknowledged = std::max(acknowledged, run_and_kill(file(), life));
    Writer recovered(file());
    Reader reader(file());
    const auto results = reader.open({})->next(10'000'000);
    BOOST_REQUIRE(results.has_value());
    std::set<std::uint64_t> seen;
    for (const Result& result : *results) BOOST_REQUIRE(seen.insert(result.id.seq).second);
    BOOST_REQUIRE(seen.size() >= acknowledged);
    if (!seen.empty()) BOOST_REQUIRE(*seen.rbegin() == seen.size());
    RollUp want;
    for (const Result& result : *results) want.add(reading_of(result));
    BOOST_REQUIRE((rolled_up(reader) == want));
    const auto positions = recovered.positions();
    BOOST_REQUIRE((seen.empty() || positions->front().last_seq == seen.size()));
  }
  BOOST_TEST(acknowledged > 0U);
  const Database raw(file(), Database::Use::read);
  BOOST_TEST(raw.ask_integer("SELECT count(*) FROM chunks") > 0);
  BOOST_TEST(raw.ask_integer("SELECT count(*) FROM rollups") > 0);
  BOOST_TEST(raw.ask_integer("SELECT count(*) FROM damaged") == 0);
  BOOST_TEST_MESSAGE("acknowledged " << acknowledged);
}

BOOST_AUTO_TEST_CASE(a_full_disk_stops_rolling_up_and_loses_nothing) {
  {
    Writer writer(file());
    const StoreBatch batch = make_batch(1, 2000);
    BOOST_REQUIRE(writer.append({&batch, 1})->front().stored);
    BOOST_REQUIRE(*writer.seal(1));
  }
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    Writer writer(file());
    // From here on no file grows beyond this: the write-ahead log has no room for what a step writes.
    const rlimit little{.rlim_cur = 8192, .rlim_max = 8192};
    if (::setrlimit(RLIMIT_FSIZE, &little) != 0) ::_exit(1);
    const auto rolled = writer.roll(at_s(1e8));
    ::_exit(rolled.has_value() ? 2 : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  BOOST_TEST(WIFEXITED(status));
  BOOST_TEST(WEXITSTATUS(status) == 0);
  Writer writer(file());
  const Database raw(file(), Database::Use::read);
  BOOST_TEST(raw.ask_integer("SELECT count(*) FROM rollups") == 0);
  BOOST_TEST(raw.ask_integer("SELECT sum(results) FROM chunks WHERE rolled = 0") == 2000);
  while (*writer.roll(at_s(1e8))) {
  }
  Reader reader(file());
  BOOST_TEST(rolled_up(reader).results() == 2000U);
}

BOOST_AUTO_TEST_SUITE_END()
