// The first octets of a data connection, which show whose it is. Layout (docs/protocol.md), 20 octets:
//
//   0      magic 0x53
//   1      version 1
//   2..17  token of the transfer, as in TransferOffer
//   18     stream, from 0
//   19     zero
//
// Everything after it is user data. A connection that sends nothing is a connect probe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "shared/base/error.h"
#include "shared/wire/messages.h"

namespace sonde {

struct TransferHeader {
  static constexpr std::size_t size = 20;
  static constexpr std::uint8_t magic = 0x53;
  static constexpr std::uint8_t version = 1;

  wire::Token token{};
  std::uint8_t stream = 0;
  bool operator==(const TransferHeader&) const = default;
};

std::array<std::uint8_t, TransferHeader::size> encode(const TransferHeader& header);

/// Fails on another magic or version, a stream of limits::streams_per_run or more, or a last octet that is not zero.
Expected<TransferHeader> decode_transfer_header(std::span<const std::uint8_t, TransferHeader::size> octets);

}  // namespace sonde
