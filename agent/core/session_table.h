// The reflector's memory of STAMP sessions: a bounded hash table that forgets what was unused for longest. Pure. It
// allocates while it fills for the first time and never after.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "agent/core/received_runs.h"
#include "shared/base/endpoint.h"
#include "shared/base/time.h"
#include "shared/wire/stamp_packet.h"

namespace sonde {

/// A session is a source address, port and SSID (RFC 8972, 3). Both modes have sessions of their own, so that nobody
/// who forges open packets disturbs the numbers of an authenticated one.
struct SessionKey {
  Endpoint from;
  std::uint16_t ssid = 0;
  wire::StampMode mode = wire::StampMode::open;
  bool operator==(const SessionKey&) const = default;
};

struct ReflectorSession {
  std::uint32_t replies = 0;   ///< also the number of the next one
  std::uint32_t received = 0;  ///< with copies
  WallTime last_received{};
  std::uint32_t stamped = 0;  ///< the reply that `stamp` is of
  wire::NtpStamp stamp;       ///< when that reply really left; zero: not known
  ReceivedRuns arrived;       ///< the probes by the sender's numbers
};

class SessionTable {
 public:
  static constexpr std::size_t capacity = 8192;

  struct Touched {
    ReflectorSession& session;  ///< valid until the next touch()
    bool evicted = false;       ///< another one had to go
    WallTime evicted_at{};      ///< when its last probe had come
  };

  SessionTable();
  /// Finds or makes it, and remembers that it was used.
  Touched touch(const SessionKey& key);
  /// nullptr where there is none.
  ReflectorSession* find(const SessionKey& key);
  std::size_t size() const { return entries_.size(); }

  /// Calls `use(const ReflectorSession&)` for each session of this address and SSID, whatever its port. Looks at every
  /// entry: for questions, not for packets.
  template <typename Use>
  void each_of(const IpAddress& from, std::uint16_t ssid, Use use) const {
    for (const Entry& entry : entries_)
      if (entry.key.ssid == ssid && entry.key.from.address == from) use(entry.session);
  }

 private:
  using Index = std::uint32_t;
  static constexpr Index none = 0xFFFF'FFFF;
  static constexpr std::size_t buckets = 2 * capacity;
  struct Entry {
    SessionKey key;
    ReflectorSession session;
    Index chain = none;  ///< next in the bucket
    Index newer = none;
    Index older = none;
  };

  static std::size_t bucket_of(const SessionKey& key);
  Index lookup(const SessionKey& key) const;
  Index make(const SessionKey& key);
  void unchain(Index index);
  void detach(Index index);
  void make_newest(Index index);

  std::vector<Index> heads_;
  std::vector<Entry> entries_;
  Index newest_ = none;
  Index oldest_ = none;
};

}  // namespace sonde
