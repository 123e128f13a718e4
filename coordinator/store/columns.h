// Numbers in named columns, packed into one block of octets: what chunks of results are made of. Numbers are base-128
// varints, signed ones in zigzag order; each column is compressed by itself (zstd), so that a reader unpacks only those
// that it needs. Layout of a block: docs/storage.md. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "coordinator/store/compress.h"
#include "shared/measure/distribution.h"

namespace sonde::store {

/// Differences of times that a peer may have made up: what wraps here wraps back there.
constexpr std::int64_t wrapping_minus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
constexpr std::int64_t wrapping_plus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

/// How much work packing may be.
enum class Packing : std::uint8_t {
  quick,  ///< nothing is compressed: for what is soon written anew
  small,
};

/// One column while it is written.
class ColumnOut {
 public:
  void put(std::uint64_t number);
  void put_signed(std::int64_t number);
  /// The difference to the last number that was put so; 0 before the first.
  void put_step(std::int64_t number);
  void put_wide(Wide number);
  void put_octets(std::span<const std::uint8_t> octets);
  /// The lowest `count` (at most 64) bits. A column of bits holds nothing else.
  void put_bits(std::uint64_t number, unsigned count);
  /// Its length, then its octets.
  void put_text(std::string_view text);
  /// Whole numbers and whole nanoseconds in seconds take few octets, everything else nine. Exact for every double.
  void put_double(double value);
  const Octets& octets() const { return octets_; }

 private:
  Octets octets_;
  std::int64_t last_ = 0;
  unsigned bits_free_ = 0;  ///< of the last octet
};

/// One column while it is read. Total: what is not there reads as 0 and is remembered by failed().
class ColumnIn {
 public:
  ColumnIn() = default;
  explicit ColumnIn(Octets octets) : octets_(std::move(octets)) {}
  std::uint64_t take() {
    if (next_ < octets_.size() && octets_[next_] < 0x80) return octets_[next_++];  // most are
    return take_long();
  }
  std::int64_t take_signed();
  std::int64_t take_step();
  std::uint64_t take_bits(unsigned count);
  Wide take_wide();
  std::string_view take_text(std::size_t limit);
  double take_double();
  bool failed() const { return failed_; }
  bool at_end() const { return next_ == octets_.size(); }
  std::size_t size() const { return octets_.size(); }
  /// The next step or double is told without those before it, as in a column of its own.
  void begin_anew() { last_ = 0; }
  /// Octets that were not taken yet.
  std::size_t left() const { return octets_.size() - next_; }
  /// Passes octets over.
  void skip(std::uint64_t octets) {
    failed_ = failed_ || octets > left();
    next_ += std::min<std::uint64_t>(octets, left());
  }

 private:
  std::uint64_t take_long();

  Octets octets_;
  std::size_t next_ = 0;
  std::int64_t last_ = 0;
  unsigned bits_left_ = 0;  ///< of the octet before `next_`
  bool failed_ = false;
};

using ColumnKey = std::uint32_t;
/// Keys are below this; a block that names another is damaged.
inline constexpr ColumnKey column_keys = 4096;
/// Of one block, unpacked. A chunk of the most results that are sealed at once stays far below.
inline constexpr std::size_t block_limit = std::size_t{64} << 20U;

class ColumnsOut {
 public:
  /// The reference stays good.
  ColumnOut& at(ColumnKey key) { return key < columns_.size() && columns_[key] ? *columns_[key] : make(key); }
  /// The block. Columns without octets are not part of it.
  Octets pack(std::uint64_t rows, Packing packing) const;

 private:
  ColumnOut& make(ColumnKey key);

  std::vector<std::unique_ptr<ColumnOut>> columns_;  ///< by key
};

class ColumnsIn {
 public:
  /// nullopt where the octets are no block, or their checksum is not theirs.
  static std::optional<ColumnsIn> open(std::span<const std::uint8_t> block);
  std::uint64_t rows() const { return rows_; }
  /// It was packed with Packing::small by this version or a later one.
  bool is_split() const { return is_split_; }
  /// Unpacked on first use; an absent column is an empty one. The reference stays good.
  ColumnIn& at(ColumnKey key) {
    if (key >= places_.size() || places_[key] == 0) return absent_;
    Slot& slot = slots_[places_[key] - 1];
    if (!slot.unpacked) unpack(slot);
    return slot.column;
  }
  /// Any column that was used could not be unpacked or ended early.
  bool failed() const;

 private:
  struct Slot {
    std::span<const std::uint8_t> packed;  ///< of the block that open() was given
    std::size_t size = 0;
    std::uint64_t how = 0;  ///< it is packed
    bool unpacked = false;
    ColumnIn column;
  };
  void unpack(Slot& slot);

  std::uint64_t rows_ = 0;
  bool is_split_ = false;
  std::vector<Slot> slots_;
  std::vector<std::uint16_t> places_;  ///< by key: 1 + the place in slots_; 0: there is no such column
  ColumnIn absent_;
  bool damaged_ = false;
};

}  // namespace sonde::store
