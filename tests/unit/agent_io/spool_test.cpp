// When the spool's thread writes: results are gathered, and nothing is lost at the end.
#include "agent/io/spool.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <filesystem>

#include "tests/unit/agent_io/spool_folder.h"

using namespace sonde;
using namespace std::chrono_literals;

namespace {

struct Rig {
  SpoolFolder folder;
  boost::asio::io_context loop;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{loop.get_executor()};
  std::vector<SpoolState> states;
  std::unique_ptr<io::Spool> spool = std::make_unique<io::Spool>(
      loop, open(), [this](const SpoolState& state) { states.push_back(state); }, [](const Event&) {});

  std::unique_ptr<io::SpoolFile> open() const {
    return std::make_unique<io::SpoolFile>(folder.file(), SpoolFolder::site(), Bytes{1'000'000});
  }
  /// Until the thread has told once more how the spool is.
  void wait() {
    const std::size_t told = states.size();
    while (states.size() == told) BOOST_TEST_REQUIRE(loop.run_one_for(10s) > 0U);
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(spool)

BOOST_AUTO_TEST_CASE(results_that_come_together_are_written_together) {
  Rig rig;
  const MonoTime start(1h);
  rig.spool->append(SpoolFolder::samples(2));
  rig.spool->tick(start);
  rig.wait();
  BOOST_TEST(rig.states.back().last_seq == 2U);

  rig.spool->append(SpoolFolder::samples(1));
  rig.spool->tick(start + io::Spool::gather_for - 1ns);  // too early
  rig.spool->append(SpoolFolder::samples(3));
  rig.spool->acknowledge(1);
  rig.wait();
  BOOST_TEST(rig.states.back().last_seq == 2U);
  BOOST_TEST(rig.states.back().first_seq == 2U);
  rig.spool->tick(start + io::Spool::gather_for);
  rig.wait();
  BOOST_TEST(rig.states.back().last_seq == 6U);
  BOOST_TEST(rig.states.size() == 3U);
}

BOOST_AUTO_TEST_CASE(what_was_gathered_is_written_at_the_end) {
  Rig rig;
  rig.spool->append(SpoolFolder::samples(4));
  rig.spool.reset();
  BOOST_TEST(rig.open()->state().last_seq == 4U);
}

BOOST_AUTO_TEST_SUITE_END()
