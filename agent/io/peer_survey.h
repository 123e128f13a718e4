// Tries the way to every peer at once, for `sonde doctor`: does its reflector answer, are its ports open, how large may
// a packet be?
#pragma once

#include <string>
#include <vector>

#include "agent/core/doctor.h"
#include "shared/base/endpoint.h"
#include "shared/base/ids.h"

namespace sonde::io {

struct PeerTarget {
  SiteId site;
  IpAddress address;
  std::uint16_t port = 0;  ///< UDP; TCP where it has an agent
  bool has_agent = true;
};

/// `source`: the address to send from; the unspecified one leaves it to the kernel. Takes about four seconds, whatever
/// their number. In the order of `targets`.
std::vector<doctor::Peer> survey_peers(const std::vector<PeerTarget>& targets, const IpAddress& source);

}  // namespace sonde::io
