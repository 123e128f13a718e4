// Many throughput slots in few octets: about 12 instead of 50 each (docs/protocol.md). For agents that share an uplink
// with many others, whose slots they are told as well.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <vector>

#include "shared/schedule/site_index.h"
#include "shared/schedule/timetable.h"
#include "shared/wire/codec.h"

namespace sonde::wire {

/// A timetable of more slots travels and is stored with them packed.
inline constexpr std::size_t most_unpacked_slots = 16'384;
constexpr bool are_packed(std::size_t slots) { return slots > most_unpacked_slots; }

/// `members`: the timetable's, in its order; slots of others are left out.
Buffer pack_slots(std::span<const ThroughputSlot> all, std::span<const std::uint32_t> chosen, const SiteIndex& members);
/// All of a timetable's slots.
Buffer pack_slots(const Timetable& timetable);
/// MessagePack's bin 32.
void append_octets(Buffer& out, const Buffer& octets);

/// What came over the network: at most limits::slots_per_timetable, of these members; else what is wrong with it.
std::expected<std::vector<ThroughputSlot>, std::string> unpack_slots(std::span<const std::uint8_t> octets,
                                                                     const std::vector<Member>& members);

}  // namespace sonde::wire
