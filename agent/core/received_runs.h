// Which of a session's probes have arrived, by sequence number: the newest runs without a gap, in a fixed room. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace sonde {

/// Numbers are compared as serial numbers (RFC 1982), right across the wrap of 32 bits. Copies count once.
class ReceivedRuns {
 public:
  /// Runs remembered; one more drops the oldest. At half of all probes lost they reach back by some 64 probes.
  static constexpr std::size_t capacity = 32;

  void add(std::uint32_t sequence);

  struct Count {
    bool known = false;  ///< false: some of it may have been dropped
    std::uint64_t received = 0;
  };
  /// Of the numbers from `first` to `last`, both included.
  Count count(std::uint32_t first, std::uint32_t last) const;

 private:
  struct Run {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
  };
  void drop_up_to(std::uint32_t sequence);
  void insert_behind(std::size_t place, std::uint32_t sequence);
  void merge_with_next(std::size_t place);
  void remove(std::size_t place);

  std::array<Run, capacity> runs_;  ///< oldest first
  std::size_t size_ = 0;
  bool dropped_ = false;
  std::uint32_t complete_from_ = 0;  ///< where runs were dropped
};

}  // namespace sonde
