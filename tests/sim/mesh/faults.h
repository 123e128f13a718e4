// What goes wrong in a simulated mesh, and the network's state while it does.
#pragma once

#include <cstdint>
#include <vector>

#include "shared/base/random.h"
#include "tests/sim/mesh/world.h"

namespace sonde::sim {

struct Fault {
  enum class Kind : std::uint8_t {
    step,  ///< of a host's wall clock, by `amount`
    die,
    born,
    sleep,
    wake,
    coordinator_dies,
    coordinator_returns,
    joins,
    leaves,
    network,  ///< begins or ends
  };
  enum class Cut : std::uint8_t {
    up,     ///< nothing from the host reaches the coordinator
    down,   ///< nothing from the coordinator reaches the host
    both,   ///< neither
    lossy,  ///< a third of the messages between host and coordinator is lost
    peers,  ///< the hosts fall into two halves (by `host` as a seed) that do not reach each other
  };
  nanoseconds at{0};
  Kind kind = Kind::step;
  std::uint32_t host = 0;
  nanoseconds amount{0};
  Cut cut = Cut::both;
  bool begins = false;
};

std::vector<Fault> make_faults(const WorldSettings& settings, Random& random);

class NetworkState {
 public:
  static constexpr std::uint32_t coordinator = 0xFFFF'FFFF;

  explicit NetworkState(std::uint32_t hosts) : up_(hosts, 0), down_(hosts, 0), lossy_(hosts, 0) {}

  void apply(const Fault& fault);
  bool loses_up(std::uint32_t host, Random& random) const { return up_[host] > 0 || loses(host, random); }
  bool loses_down(std::uint32_t host, Random& random) const { return down_[host] > 0 || loses(host, random); }
  /// Between two agents, both ways.
  bool is_cut(std::uint32_t a, std::uint32_t b) const;
  /// One way, 2 to 60 ms, another one back.
  static nanoseconds base_delay(std::uint32_t from, std::uint32_t to);

 private:
  bool loses(std::uint32_t host, Random& random) const { return lossy_[host] > 0 && random.below(3) == 0; }

  std::vector<int> up_;
  std::vector<int> down_;
  std::vector<int> lossy_;
  std::vector<std::uint32_t> halves_;  ///< seeds of the present partitions among agents
};

}  // namespace sonde::sim
