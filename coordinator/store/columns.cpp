#include "coordinator/store/columns.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <string_view>
#include <utility>

#include "shared/base/error.h"

namespace sonde::store {
namespace {

/// 1: a column is as it is or zstd, whichever is shorter; 2: its head says which of the ways below.
constexpr std::uint8_t plain_version = 1;
constexpr std::uint8_t split_version = 2;
/// How a column is stored, in the two lowest bits of its stored length.
enum How : std::uint64_t { as_it_is = 0, compressed = 1, split = 2, repeated = 3 };
/// Where zstd leaves no less of a column than this share, it may be better to take its numbers apart.
constexpr std::size_t well_compressed = 16;
/// Shorter columns only grow.
constexpr std::size_t worth_compressing = 32;
constexpr std::size_t checksum_octets = 4;

// Kinds of double, in the lowest two bits.
constexpr std::uint64_t whole = 0;
constexpr std::uint64_t nano = 1;
constexpr std::uint64_t other = 2;
constexpr double largest_whole = 4e15;  ///< every whole number up to here is a double of its own

std::uint64_t zigzag(std::int64_t number) {
  return (static_cast<std::uint64_t>(number) << 1U) ^ static_cast<std::uint64_t>(number >> 63U);
}
std::int64_t unzigzag(std::uint64_t code) {
  return static_cast<std::int64_t>(code >> 1U) ^ -static_cast<std::int64_t>(code & 1U);
}
void put_number(Octets& out, std::uint64_t number) {
  if (number < 0x80) return out.push_back(static_cast<std::uint8_t>(number));
  std::array<std::uint8_t, 10> octets{};
  std::size_t size = 0;
  for (; number >= 0x80; number >>= 7U) octets[size++] = static_cast<std::uint8_t>(number | 0x80U);
  octets[size++] = static_cast<std::uint8_t>(number);
  out.insert(out.end(), octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(size));
}

/// Up to eight octets, the lowest first.
std::uint64_t word_of(std::span<const std::uint8_t> octets) {
  std::uint64_t word = 0;
  if constexpr (std::endian::native == std::endian::little)
    std::memcpy(&word, octets.data(), octets.size());
  else
    for (std::size_t i = 0; i < octets.size(); ++i) word |= static_cast<std::uint64_t>(octets[i]) << (8 * i);
  return word;
}

/// FNV-1a over words of eight octets, folded.
std::uint32_t checksum(std::span<const std::uint8_t> octets) {
  constexpr std::size_t octets_of_word = 8;
  std::uint64_t hash = 0xcbf29ce484222325U ^ octets.size();
  const auto take = [&](std::uint64_t word) {
    hash = (hash ^ word) * 0x100000001b3U;
    hash ^= hash >> 29U;
  };
  for (; octets.size() >= octets_of_word; octets = octets.subspan(octets_of_word))
    take(word_of(octets.first<octets_of_word>()));
  if (!octets.empty()) take(word_of(octets));
  return static_cast<std::uint32_t>(hash ^ (hash >> 32U));
}

struct Stored {
  Octets octets;
  How how = as_it_is;
};

/// The shortest.
Stored store_column(const Octets& octets) {
  // Mostly steps of 0: what does not change from row to row.
  if (octets.size() > 1 && std::ranges::adjacent_find(octets, std::ranges::not_equal_to()) == octets.end())
    return {{octets.front()}, repeated};
  if (octets.size() < worth_compressing) return {octets, as_it_is};
  Octets by_zstd = compress(octets);
  if (!by_zstd.empty() && by_zstd.size() < octets.size() / well_compressed) return {std::move(by_zstd), compressed};
  Octets apart = split_numbers(octets);
  const bool zstd_wins = !by_zstd.empty() && (apart.empty() || by_zstd.size() <= apart.size());
  if (zstd_wins) return {std::move(by_zstd), compressed};
  if (!apart.empty()) return {std::move(apart), split};
  return {octets, as_it_is};
}

}  // namespace

void ColumnOut::put(std::uint64_t number) { put_number(octets_, number); }
void ColumnOut::put_signed(std::int64_t number) { put(zigzag(number)); }
void ColumnOut::put_step(std::int64_t number) { put_signed(wrapping_minus(number, std::exchange(last_, number))); }

void ColumnOut::put_wide(Wide number) {
  // Most fit into 64 bits, and nearly all others into a few more.
  if (number.high == 0 && number.low < std::uint64_t{1} << 63U) return put(number.low << 1U);
  put(number.high << 1U | 1U);
  put(number.high >> 63U);
  put(number.low);
}

void ColumnOut::put_bits(std::uint64_t number, unsigned count) {
  SONDE_ASSERT(count <= 64);
  while (count > 0) {
    if (bits_free_ == 0) {
      octets_.push_back(0);
      bits_free_ = 8;
    }
    const unsigned some = std::min(count, bits_free_);
    const std::uint64_t low = number & ((1U << some) - 1U);
    octets_.back() = static_cast<std::uint8_t>(octets_.back() | low << (8 - bits_free_));
    number >>= some;
    bits_free_ -= some;
    count -= some;
  }
}

void ColumnOut::put_octets(std::span<const std::uint8_t> octets) {
  octets_.insert(octets_.end(), octets.begin(), octets.end());
}

void ColumnOut::put_text(std::string_view text) {
  put(text.size());
  octets_.insert(octets_.end(), text.begin(), text.end());
}

void ColumnOut::put_double(double value) {
  const bool negative_zero = value == 0 && std::signbit(value);
  const bool small = std::abs(value) <= largest_whole && !negative_zero;
  if (small && std::nearbyint(value) == value) {
    const auto number = static_cast<std::int64_t>(value);
    return put(zigzag(number - std::exchange(last_, number)) << 2U | whole);
  }
  if (small && std::abs(value) <= largest_whole / 1e9) {
    const std::int64_t number = std::llround(value * 1e9);
    if (static_cast<double>(number) / 1e9 == value)
      return put(zigzag(number - std::exchange(last_, number)) << 2U | nano);
  }
  put(other);
  const auto bits = std::bit_cast<std::uint64_t>(value);
  for (unsigned i = 0; i < 8; ++i) octets_.push_back(static_cast<std::uint8_t>(bits >> (8 * i)));
}

std::uint64_t ColumnIn::take_long() {
  std::uint64_t number = 0;
  for (unsigned shift = 0; shift < 64 && next_ < octets_.size(); shift += 7) {
    const std::uint8_t octet = octets_[next_++];
    number |= static_cast<std::uint64_t>(octet & 0x7FU) << shift;
    if (octet < 0x80) return number;
  }
  failed_ = true;
  return 0;
}

std::uint64_t ColumnIn::take_bits(unsigned count) {
  SONDE_ASSERT(count <= 64);
  constexpr std::size_t word = 8;
  constexpr unsigned at_once = 56;  // of a word that may begin within an octet
  const std::size_t begin = next_ - (bits_left_ > 0 ? 1 : 0);
  if (count <= at_once && octets_.size() - begin >= word) {
    const unsigned used = bits_left_ > 0 ? 8 - bits_left_ : 0;
    const unsigned end = used + count;
    next_ = begin + (end + 7) / 8;
    bits_left_ = (8 - end % 8) % 8;
    return word_of(std::span(octets_).subspan(begin, word)) >> used & ((std::uint64_t{1} << count) - 1);
  }
  std::uint64_t number = 0;
  for (unsigned have = 0; have < count;) {
    if (bits_left_ == 0) {
      if (next_ == octets_.size()) {
        failed_ = true;
        return 0;
      }
      ++next_;
      bits_left_ = 8;
    }
    const unsigned some = std::min(count - have, bits_left_);
    const std::uint64_t low = (std::uint64_t{octets_[next_ - 1]} >> (8 - bits_left_)) & ((1U << some) - 1U);
    number |= low << have;
    bits_left_ -= some;
    have += some;
  }
  return number;
}

std::int64_t ColumnIn::take_signed() { return unzigzag(take()); }
std::int64_t ColumnIn::take_step() { return last_ = wrapping_plus(last_, take_signed()); }

Wide ColumnIn::take_wide() {
  const std::uint64_t first = take();
  if ((first & 1U) == 0) return {0, first >> 1U};
  const std::uint64_t top = take();
  return {first >> 1U | top << 63U, take()};
}

std::string_view ColumnIn::take_text(std::size_t limit) {
  const std::uint64_t size = take();
  if (size > limit || size > octets_.size() - next_) {
    failed_ = true;
    return {};
  }
  const auto* begin = reinterpret_cast<const char*>(octets_.data() + next_);
  next_ += size;
  return {begin, size};
}

double ColumnIn::take_double() {
  const std::uint64_t code = take();
  const std::uint64_t kind = code & 3U;
  if (kind == whole) return static_cast<double>(last_ = wrapping_plus(last_, unzigzag(code >> 2U)));
  if (kind == nano) return static_cast<double>(last_ = wrapping_plus(last_, unzigzag(code >> 2U))) / 1e9;
  std::uint64_t bits = 0;
  if (code != other || octets_.size() - next_ < 8) {
    failed_ = true;
    return 0;
  }
  for (unsigned i = 0; i < 8; ++i) bits |= static_cast<std::uint64_t>(octets_[next_++]) << (8 * i);
  const auto value = std::bit_cast<double>(bits);
  if (std::isfinite(value)) return value;
  failed_ = true;
  return 0;
}

ColumnOut& ColumnsOut::make(ColumnKey key) {
  SONDE_ASSERT(key < column_keys);
  if (key >= columns_.size()) columns_.resize(key + 1);
  columns_[key] = std::make_unique<ColumnOut>();
  return *columns_[key];
}

Octets ColumnsOut::pack(std::uint64_t rows, Packing packing) const {
  const bool small = packing == Packing::small;
  Octets head{small ? split_version : plain_version};
  Octets body;
  std::uint64_t used = 0;
  const auto is_used = [](const auto& column) { return column && !column->octets().empty(); };
  for (const auto& column : columns_) used += is_used(column) ? 1 : 0;
  put_number(head, rows);
  put_number(head, used);
  for (ColumnKey key = 0; key < columns_.size(); ++key) {
    if (!is_used(columns_[key])) continue;
    const Octets& octets = columns_[key]->octets();
    put_number(head, key);
    put_number(head, octets.size());
    if (!small) {
      put_number(head, octets.size());
      body.insert(body.end(), octets.begin(), octets.end());
      continue;
    }
    const Stored stored = store_column(octets);
    put_number(head, stored.octets.size() << 2U | stored.how);
    body.insert(body.end(), stored.octets.begin(), stored.octets.end());
  }
  head.insert(head.end(), body.begin(), body.end());
  const std::uint32_t sum = checksum(head);
  for (unsigned i = 0; i < checksum_octets; ++i) head.push_back(static_cast<std::uint8_t>(sum >> (8 * i)));
  return head;
}

std::optional<ColumnsIn> ColumnsIn::open(std::span<const std::uint8_t> block) {
  if (block.size() <= checksum_octets || block[0] < plain_version || block[0] > split_version) return std::nullopt;
  std::uint32_t sum = 0;
  for (unsigned i = 0; i < checksum_octets; ++i)
    sum |= static_cast<std::uint32_t>(block[block.size() - checksum_octets + i]) << (8 * i);
  block = block.first(block.size() - checksum_octets);
  if (checksum(block) != sum) return std::nullopt;
  // The head is short, but how short only its beginning tells.
  constexpr std::size_t longest_numbers = 24;
  constexpr std::size_t longest_extent = 12;
  const auto front_of = [&](std::size_t octets) {
    const auto front = block.subspan(1, std::min(block.size() - 1, octets));
    return ColumnIn(Octets(front.begin(), front.end()));
  };
  ColumnIn beginning = front_of(longest_numbers);
  beginning.take();
  ColumnIn head = front_of(longest_numbers + std::min<std::uint64_t>(beginning.take(), column_keys) * longest_extent);
  ColumnsIn columns;
  columns.is_split_ = block[0] == split_version;
  columns.rows_ = head.take();
  const std::uint64_t count = head.take();
  if (count > column_keys) return std::nullopt;
  struct Extent {
    std::uint64_t key, size, stored, how;
  };
  std::vector<Extent> extents;
  std::uint64_t total = 0;
  std::uint64_t unpacked = 0;
  for (std::uint64_t i = 0; i < count && !head.failed(); ++i) {
    Extent& extent = extents.emplace_back();
    extent = {head.take(), head.take(), head.take(), as_it_is};
    if (columns.is_split_)
      extent.how = std::exchange(extent.stored, extent.stored >> 2U) & 3U;
    else if (extent.stored < extent.size)
      extent.how = compressed;
    const bool fits = extent.how == as_it_is ? extent.stored == extent.size : extent.stored < extent.size;
    if (extent.key >= column_keys || extent.size > block_limit || !fits) return std::nullopt;
    total += extent.stored;
    unpacked += extent.size;
  }
  if (head.failed() || unpacked > block_limit || total > block.size()) return std::nullopt;
  auto rest = block.last(total);
  columns.slots_.reserve(extents.size());
  for (const Extent& extent : extents) {
    if (extent.key >= columns.places_.size()) columns.places_.resize(extent.key + 1);
    columns.slots_.push_back({rest.first(extent.stored), extent.size, extent.how, false, {}});
    columns.places_[extent.key] = static_cast<std::uint16_t>(columns.slots_.size());
    rest = rest.subspan(extent.stored);
  }
  return columns;
}

void ColumnsIn::unpack(Slot& slot) {
  slot.unpacked = true;
  Octets octets(slot.size);
  switch (slot.how) {
    case as_it_is: std::ranges::copy(slot.packed, octets.begin()); break;
    case compressed: damaged_ = !decompress(slot.packed, octets) || damaged_; break;
    case split: damaged_ = !join_numbers(slot.packed, octets) || damaged_; break;
    default:
      damaged_ = slot.packed.size() != 1 || damaged_;
      if (!damaged_) std::ranges::fill(octets, slot.packed.front());
  }
  slot.column = ColumnIn(std::move(octets));
}

bool ColumnsIn::failed() const {
  return damaged_ || absent_.failed() ||
         std::ranges::any_of(slots_, [](const Slot& slot) { return slot.column.failed(); });
}

}  // namespace sonde::store
