// The emulated WAN as values: who owns which address, what each directed path does, and what it has done. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/endpoint.h"
#include "shared/base/error.h"
#include "shared/base/ids.h"
#include "shared/measure/distribution.h"
#include "tests/wan/path.h"

namespace sonde::wan {

struct WanSite {
  SiteId site;
  std::vector<IpAddress> addresses;  ///< at least one
};

struct WanPath {
  SiteId from;
  SiteId to;
  PathSettings settings;
};

/// What a topology file says. Pairs that are not named have a path with default settings.
struct Topology {
  std::uint64_t seed = 1;
  std::vector<WanSite> sites;
  std::vector<WanPath> paths;
};

/// Of one directed path since the start.
struct PathStats {
  std::uint64_t packets = 0;  ///< that entered
  std::uint64_t bytes = 0;    ///< that entered, IP octets
  std::uint64_t delivered = 0;
  std::uint64_t delivered_bytes = 0;
  std::array<std::uint64_t, drop_count> drops{};
  Distribution excess;  ///< ns by which packets left later than they should have
};

/// Where a packet goes and what becomes of it on the way.
struct Forward {
  std::size_t to = 0;
  std::size_t path = 0;
  Fate fate{};                      ///< without copies where a router has answered instead
  std::vector<std::byte> answer{};  ///< a router's, to the sender; empty: none
  MonoTime answered{};              ///< when it arrives there
};

class Network {
 public:
  static constexpr std::size_t most_sites = 256;

  /// Refuses an address or a site that is there twice, a site without address, an unknown site in a path.
  static Expected<Network> make(const Topology& topology);

  const std::vector<WanSite>& sites() const { return sites_; }
  /// An IP packet that site `from` (an index) sent at `now`. nullopt, counted, where it is no IP packet or its
  /// destination is nobody's or the sender's own. The path's routers count down its TTL.
  std::optional<Forward> on_packet(MonoTime now, std::size_t from, std::span<std::byte> packet);
  /// What on_delivered() is told of a router's answer to `site`; no statistics have it.
  std::size_t answers_to(std::size_t site) const { return path_index(site, site); }
  void on_delivered(std::size_t path, std::uint32_t octets, nanoseconds late);
  /// The emulator had no room for a packet under way, or the far side took it not.
  void on_overflow() { ++overflows_; }

  /// One command line, without its end: `set FROM TO key=value...` (`*` stands for every site), `stats`. The answer is
  /// one line: `ok`, `error: why`, or the statistics as JSON.
  std::string command(std::string_view line);

 private:
  explicit Network(std::vector<WanSite> sites) : sites_(std::move(sites)) {}
  std::size_t path_index(std::size_t from, std::size_t to) const { return from * sites_.size() + to; }
  Expected<std::vector<std::size_t>> named(std::string_view name) const;
  void meet_routers(MonoTime now, std::size_t from, std::span<std::byte> packet, Forward& forward);
  Expected<void> change_paths(std::span<const std::string_view> words);
  std::string stats_json() const;

  std::vector<WanSite> sites_;
  std::map<IpAddress, std::size_t> owners_;
  std::vector<Path> paths_;
  std::vector<PathStats> stats_;
  std::uint64_t unroutable_ = 0;
  std::uint64_t overflows_ = 0;
};

}  // namespace sonde::wan
