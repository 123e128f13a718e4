// What the reflector writes into the TLVs of a request (RFC 8972, section 4). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "shared/measure/site_load.h"
#include "shared/wire/stamp_hmac.h"
#include "shared/wire/stamp_packet.h"
#include "shared/wire/stamp_tlv.h"

namespace sonde {

/// What it has to say about this request.
struct TlvAnswers {
  wire::FollowUp follow_up;  ///< of the reply before this one; all zero: not known
  wire::DirectMeasurement counters;
  wire::TimestampInformation stamps;
  SiteLoad load;
  std::uint32_t clock_era = 0;      ///< wire::write_clock_era
  std::uint8_t traffic_class = 0;   ///< of the request as it arrived: DSCP and ECN
  std::uint8_t dscp_permitted = 0;  ///< beside 0 and the request's own: the one that the mesh's policy names
};

/// What the HMAC TLV of a request says of its TLVs.
enum class TlvTrust : std::uint8_t {
  not_asked,  ///< there is no HMAC TLV, and none is needed
  verified,
  failed,  ///< it is wrong, misplaced or missing, or there is no key to check it with
};
TlvTrust verify_tlvs(std::span<const std::uint8_t> request, wire::StampMode mode, const wire::StampKey* key);

struct TlvOutcome {
  bool malformed = false;         ///< one was: it got M, what is behind it was not looked at
  bool integrity_failed = false;  ///< every one got I
  bool follow_up_asked = false;
  std::optional<std::uint8_t> dscp;  ///< that the reply must leave with; nullopt: no Class of Service TLV
};

/// Turns the TLVs of a request into those of its reply, in place and without changing its length. `packet` is the reply
/// with its base packet written, the TLVs behind it still as they came; `verified` says that the request's HMAC TLV was
/// checked (verify_tlvs), and `key` signs the reply's.
///
/// Types that are not understood keep U, all others lose it; M and I are cleared. The first TLV whose length leaves the
/// packet or does not fit its type gets M and ends the walk; the rest stays as it came. Where the integrity
/// check failed nothing is used: every TLV gets I.
TlvOutcome answer_tlvs(std::span<std::uint8_t> packet, wire::StampMode mode, TlvTrust trust, const wire::StampKey* key,
                       const TlvAnswers& answers);

}  // namespace sonde
