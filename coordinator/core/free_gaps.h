// When each unit is free, as a list of gaps: for timetables that are nearly full and in which little changes. Pure;
// private to patch.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace sonde {

class FreeGaps {
 public:
  struct Gap {
    std::int64_t start = 0;
    std::int64_t end = 0;
  };

  /// What take() leaves of a gap is forgotten where it is shorter than `least`.
  FreeGaps(std::uint32_t units, std::int64_t until, std::int64_t least = 0)
      : until_(until), least_(least), gaps_(units), busy_until_(units, 0) {}

  std::uint32_t units() const { return static_cast<std::uint32_t>(gaps_.size()); }
  /// In order of start, before everything else. False, and nothing is kept, where one of the units is not free any
  /// more. Gaps shorter than `least` are forgotten.
  bool keep(std::uint32_t a, std::uint32_t b, std::int64_t start, std::int64_t length, std::int64_t least);
  /// All are kept: what is behind the last of them is free as well.
  void close();
  /// Everything comes again and again until `until`, a multiple of what was given.
  void repeat(std::int64_t until);

  /// The earliest start at which both units are free for so long.
  std::optional<std::int64_t> common(std::uint32_t a, std::uint32_t b, std::int64_t length) const;
  bool is_free(std::uint32_t unit, std::int64_t start, std::int64_t end) const;
  /// The earliest start from `from` on at which the unit is free for so long.
  std::optional<std::int64_t> next(std::uint32_t unit, std::int64_t from, std::int64_t length) const;
  /// It must be free.
  void take(std::uint32_t a, std::uint32_t b, std::int64_t start, std::int64_t length);
  /// The same at start + k * every, up to the end.
  void take_all(std::uint32_t a, std::uint32_t b, std::int64_t start, std::int64_t length, std::int64_t every);
  void give_back(std::uint32_t a, std::uint32_t b, std::int64_t start, std::int64_t length);

 private:
  using Gaps = std::vector<Gap>;
  /// The first gap that ends after t.
  static Gaps::const_iterator first_after(const Gaps& gaps, std::int64_t t);
  void take(Gaps& gaps, std::int64_t start, std::int64_t end) const;
  bool is_worth(std::int64_t length) const { return length > 0 && length >= least_; }
  void take_all(Gaps& gaps, std::int64_t start, std::int64_t length, std::int64_t every) const;
  static void give_back(Gaps& gaps, std::int64_t start, std::int64_t end);

  std::int64_t until_;
  std::int64_t least_;
  std::vector<Gaps> gaps_;  ///< of each unit, in order of time
  std::vector<std::int64_t> busy_until_;
};

}  // namespace sonde
