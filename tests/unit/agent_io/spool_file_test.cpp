// The spool on a real disk: numbering, limits, restarts, and a process that is killed at random moments.
#include "agent/io/spool_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "shared/base/random.h"
#include "tests/unit/agent_io/spool_folder.h"

using namespace sonde;

namespace {

const SiteId berlin = SpoolFolder::site();
using Folder = SpoolFolder;

Result sample(double value) { return SpoolFolder::sample(value); }
std::vector<Result> samples(std::size_t count) { return SpoolFolder::samples(count); }

constexpr Bytes plenty{1'000'000};

}  // namespace

BOOST_AUTO_TEST_SUITE(spool_file)

BOOST_AUTO_TEST_CASE(numbers_go_on_after_a_restart_and_are_never_used_twice) {
  const Folder folder;
  std::uint64_t spool = 0;
  {
    io::SpoolFile file(folder.file(), berlin, plenty);
    BOOST_TEST(file.fresh());
    file.start_after(41);
    auto results = samples(3);
    file.append(results);
    BOOST_TEST(results.front().id.seq == 42U);
    BOOST_TEST(file.state().last_seq == 44U);
    spool = file.state().spool;
    file.start_after(1000);  // no longer fresh: ignored
    file.acknowledge(43);
    BOOST_TEST(file.state().first_seq == 44U);
    file.acknowledge(44);
  }
  io::SpoolFile file(folder.file(), berlin, plenty);
  BOOST_TEST(file.state().spool == spool);
  BOOST_TEST(file.state().last_seq == 44U);
  BOOST_TEST(file.state().first_seq == 45U);
  auto more = samples(1);
  file.append(more);
  BOOST_TEST(more.front().id.seq == 45U);
  BOOST_TEST((file.fetch(0, 10, 1'000'000) == more));
}

BOOST_AUTO_TEST_CASE(over_its_size_the_oldest_go_and_are_counted) {
  const Folder folder;
  io::SpoolFile file(folder.file(), berlin, Bytes{1000});
  auto results = samples(100);
  file.append(results);
  BOOST_TEST(file.dropped() > 0U);
  BOOST_TEST(file.state().first_seq == file.dropped() + 1);
  const auto kept = file.fetch(0, 1000, 1'000'000);
  BOOST_TEST_REQUIRE(!kept.empty());
  BOOST_TEST(kept.back().id.seq == 100U);
  BOOST_TEST(kept.size() == 100 - file.dropped());
}

BOOST_AUTO_TEST_CASE(the_timetable_survives) {
  const Folder folder;
  Timetable timetable;
  timetable.generation = {9};
  {
    io::SpoolFile file(folder.file(), berlin, plenty);
    BOOST_TEST(!file.saved_timetable().has_value());
    file.save_timetable(timetable);
  }
  io::SpoolFile file(folder.file(), berlin, plenty);
  BOOST_TEST((file.saved_timetable() == timetable));
}

BOOST_AUTO_TEST_CASE(a_file_that_is_not_ours_is_refused_with_advice) {
  const Folder folder;
  {
    const io::SpoolFile file(folder.file(), berlin, plenty);
  }
  const auto says = [&](const SiteId& site, std::string_view part) {
    try {
      const io::SpoolFile file(folder.file(), site, plenty);
    } catch (const std::runtime_error& error) {
      BOOST_TEST_CONTEXT(error.what()) BOOST_TEST(std::string_view(error.what()).find(part) != std::string_view::npos);
      return true;
    }
    return false;
  };
  BOOST_TEST(says(SiteId::known("athens"), "it belongs to site 'berlin', not 'athens'"));
  std::filesystem::remove(folder.file());
  std::ofstream(folder.file()) << std::string(8192, 'x');
  BOOST_TEST(says(berlin, "move it away"));
}

// A child appends and tells each number that is safely stored; it is killed at a random moment. Every number that it
// told must be there, once, with the content that it had.
BOOST_AUTO_TEST_CASE(a_kill_at_any_moment_loses_and_repeats_nothing) {
  const Folder folder;
  Random random(20261120);
  std::uint64_t told = 0;
  for (int round = 0; round < 8; ++round) {
    int ends[2];
    BOOST_TEST_REQUIRE(pipe(ends) == 0);
    const pid_t child = fork();
    if (child == 0) {
      io::SpoolFile file(folder.file(), berlin, Bytes{100'000'000});
      while (true) {
        std::vector<Result> one{sample(static_cast<double>(file.state().last_seq + 1))};
        file.append(one);
        const std::uint64_t seq = one.front().id.seq;
        if (write(ends[1], &seq, sizeof seq) != sizeof seq) _exit(1);
      }
    }
    close(ends[1]);
    std::this_thread::sleep_for(std::chrono::milliseconds(20 + random.below(60)));
    kill(child, SIGKILL);
    std::uint64_t seq = 0;
    while (read(ends[0], &seq, sizeof seq) == sizeof seq) {
      BOOST_TEST(seq > told);
      told = seq;
    }
    close(ends[0]);
    waitpid(child, nullptr, 0);
  }
  BOOST_TEST(told > 0U);
  io::SpoolFile file(folder.file(), berlin, Bytes{100'000'000});
  const auto all = file.fetch(0, 1'000'000, 1'000'000'000);
  BOOST_TEST_REQUIRE(all.size() >= told);
  for (std::size_t i = 0; i < all.size(); ++i) {
    BOOST_TEST_REQUIRE(all[i].id.seq == i + 1);
    BOOST_TEST_REQUIRE(all[i].values.front().value == static_cast<double>(i + 1));
  }
}

BOOST_AUTO_TEST_SUITE_END()
