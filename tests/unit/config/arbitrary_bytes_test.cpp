// Whatever bytes a file holds, reading it ends with a tree or a diagnostic.
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "shared/base/random.h"
#include "shared/config/fields.h"
#include "shared/config/yaml_tree.h"

using namespace sonde::config;

namespace {

void read_everything(const Value& value) {
  value.text();
  value.boolean();
  value.number(0, 1);
  value.duration({}, std::chrono::hours(1));
  value.endpoint();
  value.host();
  value.zmq_endpoint(true);
  value.file_path();
  if (value.is_list())
    for (const Value& item : value.list(100)) read_everything(item);
  if (!value.is_map()) return;
  Fields fields(value);
  for (const Key& key : value.node().keys)
    if (auto child = fields.get(key.text)) read_everything(*child);
  fields.finish();
}

bool has_an_answer(const std::string& text) {
  const auto parsed = parse_document<int>(text, "f.yaml", [](const Value& root) {
    read_everything(root);
    return 0;
  });
  return parsed.value.has_value() == parsed.diagnostics.empty();
}

constexpr std::string_view example = R"(mesh: europe
tokens: [{name: ops, file: "keys/ops.token"}]
sites:
  - {name: berlin, address: 192.0.2.10, location: [52.52, 13.40]}
  - name: athens   # far away
    address: ['192.0.2.20', "2001:db8::1"]
probes:
  latency: {rate: 5/s, every: 10s}
  connect: off
text: |
  several
  lines
)";

}  // namespace

BOOST_AUTO_TEST_SUITE(arbitrary_bytes)

BOOST_AUTO_TEST_CASE(random_bytes) {
  BOOST_TEST(rc::check([](const std::vector<char>& bytes) { RC_ASSERT(has_an_answer({bytes.begin(), bytes.end()})); }));
}

BOOST_AUTO_TEST_CASE(random_syntax) {
  BOOST_TEST(rc::check([] {
    const auto bytes = *rc::gen::container<std::string>(
        rc::gen::elementOf(std::string("{}[]:,-?&*!|>'\"%@`# \n\t~ab01\\<=\xEF\xBB\xBF\xC3")));
    RC_ASSERT(has_an_answer(bytes));
  }));
}

BOOST_AUTO_TEST_CASE(a_good_document_with_bytes_changed) {
  sonde::Random random(1);
  for (int turn = 0; turn < 3000; ++turn) {
    std::string text(example);
    for (std::uint64_t changes = 1 + random.below(6); changes > 0; --changes) {
      const std::size_t at = random.below(text.size());
      switch (random.below(3)) {
        case 0: text[at] = static_cast<char>(random.below(256)); break;
        case 1: text.erase(at, 1 + random.below(8)); break;
        default: text.insert(at, std::string(example.substr(random.below(example.size()), random.below(12)))); break;
      }
    }
    BOOST_REQUIRE(has_an_answer(text));
  }
}

BOOST_AUTO_TEST_SUITE_END()
