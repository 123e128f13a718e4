// Whatever a client asks for: a target that keeps what request.h promises, or an error in words.
#include <cstddef>
#include <cstdint>
#include <set>
#include <string_view>

#include "coordinator/web/request.h"
#include "shared/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto target = sonde::web::parse_target(text);
  if (!target) {
    SONDE_ASSERT(!target.error().what.empty());
    return 0;
  }
  SONDE_ASSERT(size <= sonde::web::target_length_limit);
  SONDE_ASSERT(target->path.starts_with('/'));
  for (const unsigned char c : target->path) SONDE_ASSERT(c >= 0x20 && c != 0x7f);
  SONDE_ASSERT(target->parameters.size() <= sonde::web::target_parameter_limit);
  std::set<std::string_view> names;
  for (const auto& [name, value] : target->parameters) {
    SONDE_ASSERT(names.insert(name).second);
    SONDE_ASSERT(target->parameter(name) != nullptr && *target->parameter(name) == value);
  }
  return 0;
}
