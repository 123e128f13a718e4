// kill -9 at any moment: what was acknowledged is there, and nothing is there twice.
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
/// agent whose acknowledgement got lost it sends the last batch again. In between it seals and gives space back.
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
    const auto positions = recovered.positions();
    BOOST_REQUIRE((seen.empty() || positions->front().last_seq == seen.size()));
  }
  BOOST_TEST(acknowledged > 0U);
  const Database raw(file(), Database::Use::read);
  BOOST_TEST(raw.ask_integer("SELECT count(*) FROM chunks") > 0);
  BOOST_TEST(raw.ask_integer("SELECT count(*) FROM damaged") == 0);
  BOOST_TEST_MESSAGE("acknowledged " << acknowledged);
}

BOOST_AUTO_TEST_SUITE_END()
