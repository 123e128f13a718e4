#include "agent/io/stamp_key_file.h"

#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <string>

using namespace sonde;

namespace {

struct KeyFile {
  explicit KeyFile(const std::string& text) { std::ofstream(path) << text; }
  ~KeyFile() { std::filesystem::remove(path); }
  KeyFile(const KeyFile&) = delete;
  KeyFile& operator=(const KeyFile&) = delete;
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("sonde-stamp-key-" + std::to_string(::getpid()));
};

std::string refusal(const std::string& text) {
  const KeyFile file(text);
  const auto key = io::read_stamp_key(file.path);
  return key ? "" : key.error().what.substr(file.path.string().size());
}

constexpr const char* wrong =
    ": not a key of STAMP; write one line: 'hex:' and 16 to 64 hexadecimal digits (`openssl rand -hex 32`), or 'text:' "
    "and 8 to 32 visible characters";

}  // namespace

BOOST_AUTO_TEST_SUITE(stamp_key_file)

BOOST_AUTO_TEST_CASE(digits_and_texts_are_keys) {
  const KeyFile hex("hex:000102030405060708090a0b0c0d0e0F101112131415161718191a1b1c1d1eff\n");
  const auto whole = io::read_stamp_key(hex.path);
  BOOST_TEST_REQUIRE(whole.has_value());
  for (std::size_t i = 0; i < 31; ++i) BOOST_TEST(static_cast<std::size_t>(whole->at(i)) == i);
  BOOST_TEST(static_cast<int>(whole->at(31)) == 255);
}

BOOST_AUTO_TEST_CASE(a_short_key_is_filled_with_zeros) {
  const KeyFile text("text:s3cret!!\r\n");
  const auto key = io::read_stamp_key(text.path);
  BOOST_TEST_REQUIRE(key.has_value());
  BOOST_TEST(std::string(key->begin(), key->begin() + 8) == "s3cret!!");
  BOOST_TEST(static_cast<int>(key->at(8)) == 0);
}

BOOST_AUTO_TEST_CASE(anything_else_is_refused_with_what_would_be_right) {
  for (const char* bad : {"0123456789abcdef", "hex:0123", "hex:0123456789abcde", "hex:0123456789abcdeg", "text:short",
                          "text:with a blank in it", "key:0123456789abcdef"})
    BOOST_TEST(refusal(bad) == wrong, bad);
  BOOST_TEST(refusal("hex:" + std::string(66, '0')) == wrong);
  BOOST_TEST(refusal("text:" + std::string(33, 'a')) == wrong);
  BOOST_TEST(refusal("").starts_with(": cannot read the key: the file is empty; "));
  const auto missing = io::read_stamp_key("/nonexistent/stamp.key");
  BOOST_TEST(!missing.has_value());
  BOOST_TEST(missing.error().what.starts_with("/nonexistent/stamp.key: cannot read the key: No such file"));
}

BOOST_AUTO_TEST_SUITE_END()
