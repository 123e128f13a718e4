// The packets under way: their octets in recycled buffers, ordered by departure. Pure, and bounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <queue>
#include <span>
#include <vector>

#include "shared/base/time.h"

namespace sonde::wan {

/// A packet that is due.
struct Due {
  std::size_t to = 0;
  std::size_t path = 0;
  MonoTime departs;
  std::span<const std::byte> packet;
};

class Transit {
 public:
  static constexpr std::size_t most_octets = 2048;
  static constexpr std::size_t most_packets = 100'000;

  /// A free buffer to read the next packet into, of `most_octets`; the same one until keep() takes it. Empty where
  /// there are most_packets under way.
  std::span<std::byte> spare();
  /// The first `octets` of spare() leave at `departs`.
  void keep(std::size_t octets, std::size_t to, std::size_t path, MonoTime departs);
  /// Puts a copy of a packet under way too, where there is room.
  bool keep_copy(std::span<const std::byte> packet, std::size_t to, std::size_t path, MonoTime departs);

  std::optional<MonoTime> next_departure() const;
  /// The packet that is due first, if it is due at `now`; valid until pop().
  std::optional<Due> due(MonoTime now) const;
  void pop();
  std::size_t size() const { return heap_.size(); }

 private:
  struct Entry {
    MonoTime departs;
    std::uint64_t order = 0;  ///< equal departures leave in the order in which they came
    std::uint32_t buffer = 0;
    std::uint32_t octets = 0;
    std::uint32_t to = 0;
    std::uint32_t path = 0;
    bool operator<(const Entry& other) const {  // std::priority_queue gives the greatest first
      return departs != other.departs ? departs > other.departs : order > other.order;
    }
  };
  std::vector<std::vector<std::byte>> buffers_;
  std::vector<std::uint32_t> free_;
  std::priority_queue<Entry> heap_;
  std::uint64_t order_ = 0;
};

}  // namespace sonde::wan
