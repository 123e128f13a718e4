// Tries the way to every peer at once, for `sonde doctor`: does its reflector answer, are its ports open, how large may
// a packet be?
#pragma once

#include <vector>

#include "agent/core/doctor.h"
#include "shared/base/endpoint.h"
#include "shared/schedule/timetable.h"

namespace sonde::io {

/// `source`: the address to send from; the unspecified one leaves it to the kernel. Takes about four seconds whatever
/// their number, and up to five more where names have to be looked up. One for each of `members`, in their order, also
/// where nobody can reach it or none of its addresses can be had.
std::vector<doctor::Peer> survey_peers(const std::vector<Member>& members, const IpAddress& source);

}  // namespace sonde::io
