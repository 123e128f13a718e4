// MessagePack for the messages of messages.h. Every message is one array [version, type, body], every record an array
// whose field order docs/protocol.md states. A decoder skips elements behind those it knows and refuses what is
// missing, of a wrong type or over its limit; it allocates no more than a small multiple of its input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <vector>

#include "shared/wire/messages.h"

namespace sonde::wire {

using Buffer = std::vector<std::uint8_t>;

enum class DecodeFailure : std::uint8_t {
  malformed,        ///< not the layout of the document, or over a limit
  unknown_version,  ///< another protocol version
  unknown_type,     ///< a message of a later minor version: count it and go on
};

struct DecodeError {
  DecodeFailure failure;
  std::string what;
};

Buffer encode(const Message& message);
std::expected<Message, DecodeError> decode(std::span<const std::uint8_t> bytes);

/// One result, timetable or trace by itself, as the spool, the store and the agent's saved timetable keep it (same
/// layout as on the wire).
Buffer encode_result(const Result& result);
std::expected<Result, DecodeError> decode_result(std::span<const std::uint8_t> bytes);
Buffer encode_timetable(const Timetable& timetable);
std::expected<Timetable, DecodeError> decode_timetable(std::span<const std::uint8_t> bytes);
Buffer encode_trace(const PathTrace& trace);
std::expected<PathTrace, DecodeError> decode_trace(std::span<const std::uint8_t> bytes);

/// Appends the chosen elements, by their places, as a record's field holds a list of them; for TimetableEncoder.
void append_list(Buffer& out, std::span<const ThroughputSlot> all, std::span<const std::uint32_t> chosen);
void append_list(Buffer& out, std::span<const LinkPhase> all, std::span<const std::uint32_t> chosen);

}  // namespace sonde::wire
