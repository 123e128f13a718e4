#include "coordinator/store/compress.h"

#include <zstd.h>

#include <algorithm>
#include <bit>
#include <memory>
#include <optional>

#include "coordinator/store/columns.h"
#include "shared/base/error.h"

namespace sonde::store {
namespace {

constexpr int zstd_level = 3;
/// Of numbers' leading bits, what looks like a repetition is chance unless it is long: looking for short ones makes the
/// result larger and takes longer.
constexpr int token_level = 1;
constexpr int shortest_repetition = 7;
constexpr int places_remembered_log = 6;

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

using Context = std::unique_ptr<ZSTD_CCtx, FreeContext>;
Context make_context(int level) {
  Context context(ZSTD_createCCtx());
  SONDE_ASSERT(context != nullptr);
  SONDE_ASSERT(ZSTD_isError(ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level)) == 0);
  return context;
}
Context make_token_context() {
  Context context = make_context(token_level);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_minMatch, shortest_repetition);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_hashLog, places_remembered_log);
  return context;
}

Octets compressed_in(ZSTD_CCtx* context, std::span<const std::uint8_t> octets) {
  Octets out(ZSTD_compressBound(octets.size()));
  const std::size_t size = ZSTD_compress2(context, out.data(), out.size(), octets.data(), octets.size());
  SONDE_ASSERT(ZSTD_isError(size) == 0);
  if (size >= octets.size()) return {};
  out.resize(size);
  return out;
}

// The octet of a number: itself below `listed`, from there on how many bits it has, and the two below the highest.
constexpr std::uint64_t listed = 32;
constexpr unsigned listed_width = 5;
constexpr unsigned leading_bits = 2;
constexpr unsigned widest = 61;
static_assert(listed + ((widest - 1 - listed_width) << leading_bits) + 3 == 255);

struct Token {
  std::uint8_t octet = 0;
  unsigned bits = 0;  ///< that follow
};

Token token_of(std::uint64_t number) {
  if (number < listed) return {static_cast<std::uint8_t>(number), 0};
  const auto highest = static_cast<unsigned>(std::bit_width(number)) - 1;
  const unsigned bits = highest - leading_bits;
  const std::uint64_t leading = (number >> bits) & 3U;
  return {static_cast<std::uint8_t>(listed + ((highest - listed_width) << leading_bits) + leading), bits};
}

std::uint64_t number_of(std::uint8_t octet, ColumnIn& bits) {
  if (octet < listed) return octet;
  const auto rest = static_cast<unsigned>(octet - listed);
  const unsigned below = (rest >> leading_bits) + listed_width - leading_bits;
  return (std::uint64_t{4} + (rest & 3U)) << below | bits.take_bits(below);
}

/// nullopt where it is none of the shortest form, or too large.
std::optional<std::uint64_t> take_canonical(std::span<const std::uint8_t>& octets) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < octets.size() && i < 9; ++i) {
    number |= static_cast<std::uint64_t>(octets[i] & 0x7FU) << (7 * i);
    if (octets[i] >= 0x80) continue;
    if ((i > 0 && octets[i] == 0) || number >> widest != 0) return std::nullopt;
    octets = octets.subspan(i + 1);
    return number;
  }
  return std::nullopt;
}

}  // namespace

Octets compress(std::span<const std::uint8_t> octets) {
  thread_local const Context context = make_context(zstd_level);
  return compressed_in(context.get(), octets);
}

bool decompress(std::span<const std::uint8_t> packed, std::span<std::uint8_t> out) {
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  const std::size_t size = ZSTD_decompressDCtx(context.get(), out.data(), out.size(), packed.data(), packed.size());
  return ZSTD_isError(size) == 0 && size == out.size();
}

Octets split_numbers(std::span<const std::uint8_t> octets) {
  const std::size_t size = octets.size();
  Octets tokens;
  ColumnOut bits;
  while (!octets.empty()) {
    const auto number = take_canonical(octets);
    if (!number) return {};
    const Token token = token_of(*number);
    tokens.push_back(token.octet);
    bits.put_bits(*number, token.bits);
  }
  thread_local const Context context = make_token_context();
  const Octets shorter = compressed_in(context.get(), tokens);
  const Octets& stored = shorter.empty() ? tokens : shorter;
  ColumnOut out;
  out.put(tokens.size());
  out.put(stored.size());
  out.put_octets(stored);
  out.put_octets(bits.octets());
  return out.octets().size() < size ? out.octets() : Octets{};
}

bool join_numbers(std::span<const std::uint8_t> packed, std::span<std::uint8_t> out) {
  const auto take = [&packed]() -> std::uint64_t {
    const auto number = take_canonical(packed);
    return number.value_or(~std::uint64_t{0});
  };
  const std::uint64_t count = take();
  const std::uint64_t stored = take();
  // Each number is at least one octet.
  if (count > out.size() || stored > packed.size() || stored > count) return false;
  Octets tokens(count);
  if (stored == count)
    std::ranges::copy(packed.first(stored), tokens.begin());
  else if (!decompress(packed.first(stored), tokens))
    return false;
  const auto rest = packed.subspan(stored);
  ColumnIn bits(Octets(rest.begin(), rest.end()));
  std::size_t at = 0;
  for (const std::uint8_t token : tokens) {
    std::uint64_t number = number_of(token, bits);
    for (; number >= 0x80 && at < out.size(); number >>= 7U) out[at++] = static_cast<std::uint8_t>(number | 0x80U);
    if (at == out.size()) return false;
    out[at++] = static_cast<std::uint8_t>(number);
  }
  return at == out.size() && !bits.failed();
}

}  // namespace sonde::store
