// Files that are not as they should be: what the operator is told.
#include <sys/resource.h>

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <fstream>

#include "coordinator/store/reader.h"
#include "coordinator/store/schema.h"
#include "coordinator/store/sqlite.h"
#include "coordinator/store/writer.h"
#include "tests/unit/coordinator_store/scratch.h"

using namespace sonde;
using namespace sonde::store;
using namespace sonde::test;

namespace {

template <typename Object>
std::string refusal(const std::filesystem::path& file) {
  try {
    const Object object(file);
    return "opened";
  } catch (const StoreError& error) {
    return error.what();
  }
}

void check_says(const std::string& text, std::initializer_list<std::string_view> parts) {
  for (const std::string_view part : parts)
    BOOST_TEST(text.find(part) != std::string::npos, "\"" << text << "\" lacks \"" << part << '"');
}

void write_bytes(const std::filesystem::path& file, std::string_view bytes, std::streamoff at = 0) {
  std::fstream out(file, at == 0 ? std::ios::out | std::ios::binary : std::ios::in | std::ios::out | std::ios::binary);
  out.seekp(at);
  out << bytes;
}

/// While it lives no file of this process grows beyond so many bytes: a disk that fails.
class NoGrowth {
 public:
  explicit NoGrowth(std::uintmax_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit lower = before_;
    lower.rlim_cur = bytes;
    BOOST_REQUIRE(::setrlimit(RLIMIT_FSIZE, &lower) == 0);
  }
  NoGrowth(const NoGrowth&) = delete;
  NoGrowth& operator=(const NoGrowth&) = delete;
  ~NoGrowth() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(opening_a_store, Scratch)

BOOST_AUTO_TEST_CASE(the_file_and_the_last_folder_are_made) {
  BOOST_TEST(refusal<Writer>(folder() / "new" / "results.db") == "opened");
  BOOST_TEST(refusal<Writer>(folder() / "new" / "results.db") == "opened");
  check_says(refusal<Writer>(folder() / "no" / "such" / "results.db"), {"make the store's folder", "No such file"});
}

BOOST_AUTO_TEST_CASE(a_text_file_is_no_store) {
  write_bytes(file(), std::string(5000, 'x'));
  check_says(refusal<Writer>(file()), {"open the store " + file().string(), "no SQLite database", "move it away"});
  BOOST_TEST(std::filesystem::file_size(file()) == 5000U);
}

BOOST_AUTO_TEST_CASE(a_database_of_another_program_is_left_alone) {
  Database(file(), Database::Use::write).run("CREATE TABLE recipes (name TEXT)");
  check_says(refusal<Writer>(file()), {"another program", "under `store`"});
  const Database still(file(), Database::Use::read);
  BOOST_TEST(still.ask_integer("SELECT count(*) FROM sqlite_master") == 1);
}

BOOST_AUTO_TEST_CASE(a_layout_from_the_future_is_left_alone) {
  BOOST_REQUIRE(refusal<Writer>(file()) == "opened");
  Database(file(), Database::Use::write).run("PRAGMA user_version = 99");
  check_says(refusal<Writer>(file()), {"newer Sonde", "layout 99", "install that version"});
  check_says(refusal<Reader>(file()), {"newer Sonde"});
  BOOST_TEST(Database(file(), Database::Use::read).ask_integer("PRAGMA user_version") == 99);
}

BOOST_AUTO_TEST_CASE(an_interrupted_creation_is_carried_on) {
  {
    Database(file(), Database::Use::write).run("PRAGMA journal_mode = WAL");
  }
  check_says(refusal<Reader>(file()), {"start the coordinator once"});
  BOOST_TEST(refusal<Writer>(file()) == "opened");
  BOOST_TEST(refusal<Reader>(file()) == "opened");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_opened_says_what_to_do) {
  check_says(refusal<Reader>(file()), {"open the store", "cannot be opened", "must exist"});
  check_says(refusal<Writer>(folder()), {"open the store", "cannot be opened"});
}

BOOST_AUTO_TEST_CASE(a_torn_file_is_told_and_never_crashes) {
  {
    Writer writer(file());
    const StoreBatch batch = make_batch(1, 400);
    BOOST_REQUIRE(writer.append({&batch, 1}).has_value());
  }
  const auto size = static_cast<std::streamoff>(std::filesystem::file_size(file()));
  for (std::streamoff at = 4096; at + 4096 <= size; at += 8192) write_bytes(file(), std::string(4096, '\xA5'), at);
  std::string told;
  try {
    Writer writer(file());
    const StoreBatch batch = make_batch(401, 500);
    const auto appended = writer.append({&batch, 1});
    if (!appended) told = appended.error().what;
  } catch (const StoreError& error) {
    told = error.what();
  }
  check_says(told, {"damaged", "move the file away", ".recover"});
  try {
    Reader reader(file());
    auto cursor = reader.open({});
    while (cursor) {
      const auto some = cursor->next(50);
      if (!some || some->empty()) break;
    }
  } catch (const StoreError&) {
  }
}

BOOST_AUTO_TEST_CASE(a_write_that_fails_is_told_and_costs_only_that_call) {
  Writer writer(file());
  const std::vector<StoreBatch> first{make_batch(1, 10)};
  BOOST_REQUIRE(writer.append(first).has_value());
  const std::vector<StoreBatch> big{make_batch(11, 2000), make_batch(1, 2000, "gdansk")};
  {
    const NoGrowth limit(std::filesystem::file_size(file()) + 100'000);
    const auto refused = writer.append(big);
    BOOST_REQUIRE(!refused.has_value());
    check_says(refused.error().what, {"use the store", file().string(), "look at the disk"});
  }
  BOOST_TEST(writer.positions()->size() == 1U);
  const auto stored = writer.append(big);
  BOOST_REQUIRE(stored.has_value());
  for (const Appended& appended : *stored) {
    BOOST_TEST(appended.stored);
    BOOST_TEST((appended.fresh == std::vector<bool>(appended.fresh.size(), true)));
  }
}

BOOST_AUTO_TEST_CASE(a_disk_that_is_full_while_sealing_costs_nothing) {
  Writer writer(file());
  const std::vector<StoreBatch> batches{make_batch(1, 3000)};
  BOOST_REQUIRE(writer.append(batches).has_value());
  {
    const NoGrowth limit(std::filesystem::file_size(file()));
    const auto refused = writer.seal(1);
    BOOST_REQUIRE(!refused.has_value());
    check_says(refused.error().what, {"use the store", "look at the disk"});
  }
  Reader reader(file());
  BOOST_TEST(reader.open({})->next(9999)->size() == 3000U);
  BOOST_TEST(*writer.seal(1));
  BOOST_TEST(!*writer.seal(1));
  BOOST_TEST(reader.open({})->next(9999)->size() == 3000U);
  const Database raw(file(), Database::Use::read);
  BOOST_TEST(raw.ask_integer("SELECT count(*) FROM log") == 0);
}

BOOST_AUTO_TEST_SUITE_END()
