// Keys of authenticated STAMP (RFC 8762, 4.4) that are shared with somebody who is no agent: one in each file.
#pragma once

#include <filesystem>

#include "shared/base/error.h"
#include "shared/wire/stamp_hmac.h"

namespace sonde::io {

/// The file has one line: `hex:` and 16 to 64 hexadecimal digits, or `text:` and 8 to 32 visible characters, as the
/// other side has the key. One shorter than 32 octets is filled with zeros, which is the same key to a HMAC (RFC 2104,
/// 2). The error names the file and what would be right.
Expected<wire::StampKey> read_stamp_key(const std::filesystem::path& file);

}  // namespace sonde::io
