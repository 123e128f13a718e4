// Whatever the bytes: a message or an error. What was understood is written and read back the same.
#include <cstddef>
#include <cstdint>
#include <span>

#include "shared/base/error.h"
#include "shared/wire/codec.h"

namespace {

// Bytes are compared, not values: a NaN is not equal to itself.
template <typename Decode, typename Encode>
void round_trip(std::span<const std::uint8_t> bytes, Decode decode, Encode encode) {
  const auto first = decode(bytes);
  if (!first) return;
  const auto written = encode(*first);
  const auto second = decode(written);
  SONDE_ASSERT(second.has_value());
  SONDE_ASSERT(encode(*second) == written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sonde::wire;
  const std::span bytes(data, size);
  round_trip(bytes, decode, encode);
  round_trip(bytes, decode_result, encode_result);
  round_trip(bytes, decode_timetable, encode_timetable);
  return 0;
}
