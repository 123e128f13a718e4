#include "shared/wire/packed_slots.h"

#include <array>
#include <limits>
#include <numeric>
#include <utility>

#include "shared/base/limits.h"
#include "shared/wire/octets.h"

namespace sonde::wire {
namespace {

constexpr unsigned bits_in_octet = 7;
constexpr std::uint8_t more_follows = 0x80;

/// Unsigned LEB128.
void put_number(Buffer& out, std::uint64_t number) {
  while (number >= more_follows) {
    out.push_back(static_cast<std::uint8_t>(number | more_follows));
    number >>= bits_in_octet;
  }
  out.push_back(static_cast<std::uint8_t>(number));
}

/// How far a value is from the last one; the sign is in the lowest bit, so that small differences are short.
void put_change(Buffer& out, std::int64_t value, std::int64_t& last) {
  const std::uint64_t change = static_cast<std::uint64_t>(value) - static_cast<std::uint64_t>(last);
  const bool falls = (change >> 63U) != 0;
  put_number(out, falls ? ~(change << 1U) : change << 1U);
  last = value;
}

class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> octets) : octets_(octets) {}

  bool at_end() const { return octets_.empty(); }
  bool failed() const { return failed_; }

  std::uint64_t number() {
    std::uint64_t number = 0;
    for (unsigned shift = 0; shift < std::numeric_limits<std::uint64_t>::digits; shift += bits_in_octet) {
      if (octets_.empty()) break;
      const std::uint8_t octet = octets_.front();
      octets_ = octets_.subspan(1);
      number |= std::uint64_t{octet & (more_follows - 1U)} << shift;
      if (octet < more_follows) return number;
    }
    failed_ = true;
    return 0;
  }
  void change(std::int64_t& last) {
    const std::uint64_t folded = number();
    const std::uint64_t change = (folded & 1U) != 0 ? ~(folded >> 1U) : folded >> 1U;
    last = static_cast<std::int64_t>(static_cast<std::uint64_t>(last) + change);
  }

 private:
  std::span<const std::uint8_t> octets_;
  bool failed_ = false;
};

/// Of the slot before.
struct Last {
  std::int64_t start = 0;
  std::int64_t length = 0;
  std::int64_t every = 0;
  std::int64_t round = 0;
};

}  // namespace

Buffer pack_slots(std::span<const ThroughputSlot> all, std::span<const std::uint32_t> chosen,
                  const SiteIndex& members) {
  Buffer out;
  Last last;
  for (const std::uint32_t i : chosen) {
    const ThroughputSlot& slot = all[i];
    const std::uint32_t from = members.of(slot.link.from);
    const std::uint32_t to = members.of(slot.link.to);
    if (from == SiteIndex::none || to == SiteIndex::none) continue;
    put_number(out, from);
    put_number(out, to);
    put_change(out, slot.start.count(), last.start);
    put_change(out, slot.length.count(), last.length);
    put_change(out, slot.every.count(), last.every);
    put_change(out, slot.round.number, last.round);
  }
  return out;
}

Buffer pack_slots(const Timetable& timetable) {
  std::vector<SiteId> sites;
  for (const Member& member : timetable.members) sites.push_back(member.site);
  std::vector<std::uint32_t> all(timetable.slots.size());
  std::iota(all.begin(), all.end(), 0U);
  return pack_slots(timetable.slots, all, SiteIndex(std::move(sites)));
}

void append_octets(Buffer& out, const Buffer& octets) {
  constexpr std::uint8_t bin_32 = 0xC6;
  std::array<std::uint8_t, sizeof(std::uint32_t)> size{};
  put(size, 0, static_cast<std::uint32_t>(octets.size()));
  out.push_back(bin_32);
  out.insert(out.end(), size.begin(), size.end());
  out.insert(out.end(), octets.begin(), octets.end());
}

std::expected<std::vector<ThroughputSlot>, std::string> unpack_slots(std::span<const std::uint8_t> octets,
                                                                     const std::vector<Member>& members) {
  std::vector<ThroughputSlot> slots;
  Reader reader(octets);
  Last last;
  while (!reader.at_end()) {
    if (slots.size() == limits::slots_per_timetable) return std::unexpected("too many packed slots");
    const std::uint64_t from = reader.number();
    const std::uint64_t to = reader.number();
    reader.change(last.start);
    reader.change(last.length);
    reader.change(last.every);
    reader.change(last.round);
    if (reader.failed()) return std::unexpected("packed slots that end within one");
    if (from >= members.size() || to >= members.size()) return std::unexpected("a packed slot of no member");
    if (last.round < 0 || last.round > std::numeric_limits<std::uint32_t>::max())
      return std::unexpected("a packed slot of an impossible round");
    slots.push_back({Round{static_cast<std::uint32_t>(last.round)}, Link{members[from].site, members[to].site},
                     nanoseconds(last.start), nanoseconds(last.length), nanoseconds(last.every)});
  }
  return slots;
}

}  // namespace sonde::wire
