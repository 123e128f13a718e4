// CURVE keys (RFC 26/CurveZMQ) in files: one line of 40 characters of Z85.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "shared/base/error.h"

namespace sonde::io {

struct KeyPair {
  std::string public_key;  ///< 40 characters of Z85
  std::string secret_key;
};

KeyPair make_key_pair();

/// Reads the one key of a file; the error names the file and what to do.
Expected<std::string> read_key(const std::filesystem::path& file);

/// Reads a secret key and derives its public one.
Expected<KeyPair> read_key_pair(const std::filesystem::path& secret_file);

/// Makes NAME.secret (mode 0600) and NAME.public in `folder`. Refuses to overwrite either.
Expected<KeyPair> write_new_key_pair(const std::filesystem::path& folder, const std::string& name);

/// What the owners of two key pairs share and nobody else can compute (X25519), for one purpose: the same from either
/// side. nullopt where one of them is no key.
std::optional<std::array<std::uint8_t, 32>> pair_key(const std::string& own_secret, const std::string& peer_public,
                                                     std::string_view purpose);

}  // namespace sonde::io
