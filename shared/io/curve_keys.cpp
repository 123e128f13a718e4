#include "shared/io/curve_keys.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <unistd.h>
#include <zmq.h>

#include <array>
#include <cstring>
#include <fstream>
#include <system_error>

#include "shared/io/fd.h"

namespace sonde::io {
namespace {

constexpr std::size_t key_length = 40;

std::string reason() { return std::generic_category().message(errno); }

Expected<void> write_key(const std::filesystem::path& file, const std::string& key, mode_t mode) {
  const Fd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!fd) return fail(fmt::format("{}: cannot make the file: {}", file.string(), reason()));
  const std::string line = key + "\n";
  if (::write(fd.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()) || ::fsync(fd.get()) != 0)
    return fail(fmt::format("{}: cannot write the key: {}", file.string(), reason()));
  return {};
}

}  // namespace

KeyPair make_key_pair() {
  std::array<char, key_length + 1> public_key{};
  std::array<char, key_length + 1> secret_key{};
  if (zmq_curve_keypair(public_key.data(), secret_key.data()) != 0)
    throw std::system_error(errno, std::generic_category(), "make a CURVE key pair (libzmq without libsodium?)");
  return {public_key.data(), secret_key.data()};
}

Expected<std::string> read_key(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string line;
  if (!in || !std::getline(in, line))
    return fail(fmt::format("{}: cannot read the key: {}; make one with `sonde keygen NAME`", file.string(),
                            in.is_open() ? "the file is empty" : reason()));
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
  std::array<std::uint8_t, 32> binary{};
  if (line.size() != key_length || zmq_z85_decode(binary.data(), line.c_str()) == nullptr)
    return fail(fmt::format("{}: not a key; one line of {} characters of Z85 as `sonde keygen NAME` makes it",
                            file.string(), key_length));
  return line;
}

Expected<KeyPair> read_key_pair(const std::filesystem::path& secret_file) {
  const auto secret = read_key(secret_file);
  if (!secret) return std::unexpected(secret.error());
  std::array<char, key_length + 1> public_key{};
  if (zmq_curve_public(public_key.data(), secret->c_str()) != 0)
    return fail(fmt::format("{}: not a secret key", secret_file.string()));
  return KeyPair{public_key.data(), *secret};
}

Expected<KeyPair> write_new_key_pair(const std::filesystem::path& folder, const std::string& name) {
  const auto secret_file = folder / (name + ".secret");
  const auto public_file = folder / (name + ".public");
  for (const auto& file : {secret_file, public_file})
    if (std::filesystem::exists(file))
      return fail(fmt::format("{}: exists already; move it away first, it may be in use", file.string()));
  KeyPair keys = make_key_pair();
  if (const auto written = write_key(secret_file, keys.secret_key, 0600); !written)
    return std::unexpected(written.error());
  if (const auto written = write_key(public_file, keys.public_key, 0644); !written)
    return std::unexpected(written.error());
  return keys;
}

std::optional<std::array<std::uint8_t, 32>> pair_key(const std::string& own_secret, const std::string& peer_public,
                                                     std::string_view purpose) {
  std::array<std::uint8_t, crypto_box_SECRETKEYBYTES> secret{};
  std::array<std::uint8_t, crypto_box_PUBLICKEYBYTES> other{};
  std::array<std::uint8_t, crypto_box_BEFORENMBYTES> shared{};
  if (own_secret.size() != key_length || zmq_z85_decode(secret.data(), own_secret.c_str()) == nullptr ||
      peer_public.size() != key_length || zmq_z85_decode(other.data(), peer_public.c_str()) == nullptr ||
      crypto_box_beforenm(shared.data(), other.data(), secret.data()) != 0)
    return std::nullopt;
  std::array<std::uint8_t, 32> key{};
  // One key for each purpose, none of them the one that CURVE itself uses.
  crypto_generichash(key.data(), key.size(), reinterpret_cast<const unsigned char*>(purpose.data()), purpose.size(),
                     shared.data(), shared.size());
  sodium_memzero(secret.data(), secret.size());
  sodium_memzero(shared.data(), shared.size());
  return key;
}

}  // namespace sonde::io
