// Whatever the text: a configuration or a list of mistakes, each with a place; never neither and never both.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "agent/config.h"
#include "coordinator/config.h"
#include "shared/base/error.h"

namespace {

template <typename Parsed>
void check(const Parsed& parsed) {
  SONDE_ASSERT(parsed.value.has_value() == parsed.diagnostics.empty());
  for (const auto& diagnostic : parsed.diagnostics) {
    SONDE_ASSERT(diagnostic.line >= 1 && diagnostic.column >= 1);
    SONDE_ASSERT(!diagnostic.what.empty() && !diagnostic.remedy.empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check(sonde::parse_coordinator_config(text, "fuzz/coordinator.yaml"));
  check(sonde::parse_agent_config(text, "fuzz/agent.yaml"));
  return 0;
}
