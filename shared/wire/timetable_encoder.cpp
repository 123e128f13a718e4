#include "shared/wire/timetable_encoder.h"

#include <algorithm>
#include <utility>

#include "shared/base/error.h"
#include "shared/base/limits.h"
#include "shared/wire/packed_slots.h"

namespace sonde::wire {
namespace {

/// Roughly what a slot or a phase takes, so that a message grows at once.
constexpr std::size_t likely_record = 48;

/// Where the header of a list stands: the first octet that is another one when the list has an element.
std::size_t first_difference(const Buffer& empty, const Buffer& with_one) {
  return static_cast<std::size_t>(std::ranges::mismatch(empty, with_one).in1 - empty.begin());
}

SiteIndex members_of(const Timetable& timetable) {
  std::vector<SiteId> sites;
  for (const Member& member : timetable.members) sites.push_back(member.site);
  return SiteIndex(std::move(sites));
}

/// MessagePack's nil, and its array without an element.
constexpr std::uint8_t nil = 0xC0;
constexpr std::uint8_t empty_list = 0x90;

}  // namespace

TimetableEncoder::TimetableEncoder(const Timetable& timetable) : members_(members_of(timetable)) {
  const NewTimetable bare{timetable.head()};
  const Buffer empty = encode(bare);
  NewTimetable one = bare;
  one.timetable.slots.emplace_back();
  const std::size_t slots = first_difference(empty, encode(one));
  one.timetable.slots.clear();
  one.timetable.phases.emplace_back();
  const std::size_t phases = first_difference(empty, encode(one));
  SONDE_ASSERT(slots < phases && phases < empty.size());
  const auto at = [&](std::size_t i) { return empty.begin() + static_cast<std::ptrdiff_t>(i); };
  before_slots_.assign(empty.begin(), at(slots));
  between_.assign(at(slots + 1), at(phases));  // the header of an empty list is one octet
  SONDE_ASSERT(empty.back() == nil);
  behind_phases_.assign(at(phases + 1), empty.end() - 1);
}

Buffer TimetableEncoder::message(std::span<const ThroughputSlot> slots, std::span<const std::uint32_t> own_slots,
                                 std::span<const LinkPhase> phases, std::span<const std::uint32_t> own_phases) const {
  SONDE_ASSERT(own_slots.size() <= limits::slots_per_timetable && own_phases.size() <= limits::slots_per_timetable);
  Buffer out;
  const bool packed = are_packed(own_slots.size());
  out.reserve(before_slots_.size() + between_.size() + behind_phases_.size() +
              likely_record * ((packed ? 0 : own_slots.size()) + own_phases.size()));
  out.insert(out.end(), before_slots_.begin(), before_slots_.end());
  if (packed)
    out.push_back(empty_list);
  else
    append_list(out, slots, own_slots);
  out.insert(out.end(), between_.begin(), between_.end());
  append_list(out, phases, own_phases);
  out.insert(out.end(), behind_phases_.begin(), behind_phases_.end());
  if (packed)
    append_octets(out, pack_slots(slots, own_slots, members_));
  else
    out.push_back(nil);
  return out;
}

}  // namespace sonde::wire
