// What the reflector writes into the TLVs of a request (RFC 8972, section 4). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "shared/measure/site_load.h"
#include "shared/wire/stamp_tlv.h"

namespace sonde {

/// What it has to say about this request.
struct TlvAnswers {
  wire::FollowUp follow_up;  ///< of the reply before this one; all zero: not known
  wire::DirectMeasurement counters;
  wire::TimestampInformation stamps;
  SiteLoad load;
  std::uint8_t traffic_class = 0;   ///< of the request as it arrived: DSCP and ECN
  std::uint8_t dscp_permitted = 0;  ///< beside 0 and the request's own: the one that the mesh's policy names
};

struct TlvOutcome {
  bool malformed = false;         ///< one was: it got M, what is behind it was not looked at
  bool integrity_failed = false;  ///< every one got I
  bool follow_up_asked = false;
  std::optional<std::uint8_t> dscp;  ///< that the reply must leave with; nullopt: no Class of Service TLV
};

/// Turns the TLVs of a request, `area`, into those of its reply, in place and without changing its length.
///
/// Types that are not understood keep U, all others lose it; M and I are cleared. The first TLV whose length leaves the
/// packet or does not fit its type gets M and ends the walk; the rest stays as it came. A HMAC TLV cannot be verified
/// without a key, so nothing beside it may be used: every TLV gets I.
TlvOutcome answer_tlvs(std::span<std::uint8_t> area, const TlvAnswers& answers);

}  // namespace sonde
