// One directed path of the emulated WAN: what becomes of a packet that enters it. Pure: time and size in, departures
// out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>

#include "shared/base/time.h"
#include "shared/base/units.h"
#include "tests/wan/router.h"

namespace sonde::wan {

/// How much may wait before the bottleneck: octets, or the time that they take at the path's rate.
using QueueLimit = std::variant<nanoseconds, Bytes>;

/// What a path does to packets. Sizes and rates count IP octets.
struct PathSettings {
  nanoseconds delay{0};                              ///< propagation, added behind the bottleneck
  nanoseconds jitter{0};                             ///< uniform in [-jitter, +jitter]; at most `delay`; never reorders
  std::optional<BitsPerSecond> rate = std::nullopt;  ///< of the bottleneck; nullopt: no limit. Above 0.
  QueueLimit queue = std::chrono::milliseconds(100);
  Bytes bucket{0};        ///< token bucket before the bottleneck; 0: a plain serial line
  double loss = 0;        ///< ratio of packets lost on entry, before the bottleneck
  double loss_burst = 1;  ///< mean length of a loss burst (Gilbert model); 1: independent
  double reorder = 0;     ///< ratio of packets that are held back by `reorder_by`
  nanoseconds reorder_by = std::chrono::milliseconds(1);
  double duplicate = 0;      ///< ratio of packets that arrive twice
  std::uint32_t mtu = 1500;  ///< larger packets vanish, as in a black hole, unless mtu_told
  bool up = true;
  Routers hops{};               ///< on the way; none: the TTL is left as it is
  std::uint32_t fault_hop = 0;  ///< loss, mtu and up lie behind so many of them: these answer whatever is the matter
  bool mtu_told = false;        ///< the router there answers a packet that is too large
  bool operator==(const PathSettings&) const = default;
};

enum class Drop : std::uint8_t { none, down, mtu, loss, queue };
inline constexpr std::size_t drop_count = 5;

/// When a packet leaves the path's far end, once or twice, or why it never does.
struct Fate {
  Drop drop = Drop::none;
  std::size_t copies = 0;
  std::array<MonoTime, 2> departs{};
};

/// Packets are numbered from 0 as they come; every random draw is a function of (seed, path, packet number) alone, so
/// that a run with the same traffic repeats whatever the other paths carry.
class Path {
 public:
  Path(std::uint64_t seed, std::uint64_t path_number);

  const PathSettings& settings() const { return settings_; }
  /// What is under way keeps its departure. A new bucket is full, unless some wait: these are sent first.
  void set(const PathSettings& settings);

  /// `now` never goes back. `octets` is the size of the IP packet.
  Fate on_packet(MonoTime now, std::uint32_t octets);

 private:
  struct Draws {
    double loss, jitter, reorder, duplicate;
  };
  Draws draw();
  bool lost(double draw);
  std::optional<MonoTime> through_bottleneck(MonoTime now, std::uint32_t octets);
  void change_line(MonoTime now, const PathSettings& before);

  std::uint64_t seed_;
  PathSettings settings_;
  std::optional<PathSettings> before_;  ///< those that line_free_ was counted with, where they were changed since
  std::uint64_t packets_ = 0;
  bool in_burst_ = false;
  MonoTime line_free_;       ///< when everything accepted so far has been sent at the path's rate
  MonoTime last_departure_;  ///< no packet in order leaves before it
};

}  // namespace sonde::wan
