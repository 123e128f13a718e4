#include "tests/sim/mesh/faults.h"

#include <algorithm>
#include <cmath>

namespace sonde::sim {
namespace {

using namespace std::chrono_literals;

/// Before, the mesh comes up.
constexpr nanoseconds warm_up = 1min;

std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30U)) * 0xBF58'476D'1CE4'E5B9;
  x = (x ^ (x >> 27U)) * 0x94D0'49BB'1331'11EB;
  return x ^ (x >> 31U);
}

class Maker {
 public:
  Maker(const WorldSettings& settings, Random& random)
      : random_(random), sites_(settings.sites), last_(settings.length - settings.calm) {}

  std::vector<Fault> take() { return std::move(faults_); }

  void hosts(std::uint64_t of_each) {
    using Kind = Fault::Kind;
    for (std::uint64_t i = 0; i < of_each; ++i) {
      add({.kind = Kind::step, .host = host(), .amount = jump()}, {}, 0s);
      add({.kind = Kind::die, .host = host()}, Kind::born, lasts(5s, 6min));
      add({.kind = Kind::sleep, .host = host()}, Kind::wake, lasts(5s, 12min));
      for (const Fault::Cut cut : {Fault::Cut::both, Fault::Cut::up, Fault::Cut::down, Fault::Cut::lossy})
        add({.kind = Kind::network, .host = host(), .cut = cut, .begins = true}, Kind::network, lasts(3s, 25min));
    }
  }

  void mesh() {
    using Kind = Fault::Kind;
    add({.kind = Kind::coordinator_dies}, Kind::coordinator_returns, lasts(5s, 2min));
    add({.kind = Kind::coordinator_dies}, Kind::coordinator_returns, 14min);
    for (int i = 0; i < 3; ++i)
      add({.kind = Kind::network,
           .host = static_cast<std::uint32_t>(random_.below(1'000'000)),
           .cut = Fault::Cut::peers,
           .begins = true},
          Kind::network, lasts(30s, 12min));
    for (int i = 0; i < 3; ++i) add({.kind = Kind::leaves, .host = host()}, Kind::joins, lasts(30s, 15min));
  }

 private:
  std::uint32_t host() { return static_cast<std::uint32_t>(random_.below(sites_)); }
  nanoseconds lasts(nanoseconds least, nanoseconds most) {
    // Many are short and some long.
    const double share = std::pow(random_.unit(), 3);
    return least + nanoseconds(static_cast<std::int64_t>(share * static_cast<double>((most - least).count())));
  }
  /// 20 ms to 100 s, either way.
  nanoseconds jump() {
    const nanoseconds size = from_seconds(0.02 * std::pow(5000.0, random_.unit()));
    return random_.below(2) == 0 ? size : -size;
  }

  void add(Fault fault, Fault::Kind undone_by, nanoseconds after) {
    const nanoseconds room = last_ - after - warm_up;
    if (room <= 0ns) return;
    fault.at =
        warm_up + nanoseconds(static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(room.count()))));
    faults_.push_back(fault);
    if (after <= 0ns) return;
    fault.kind = undone_by;
    fault.at += after;
    fault.begins = false;
    faults_.push_back(fault);
  }

  Random& random_;
  std::uint32_t sites_;
  nanoseconds last_;
  std::vector<Fault> faults_;
};

}  // namespace

std::vector<Fault> make_faults(const WorldSettings& settings, Random& random) {
  Maker maker(settings, random);
  if (settings.faults <= 0) return {};
  maker.hosts(static_cast<std::uint64_t>(std::ceil(settings.faults * settings.sites)));
  maker.mesh();
  return maker.take();
}

void NetworkState::apply(const Fault& fault) {
  const int change = fault.begins ? 1 : -1;
  switch (fault.cut) {
    case Fault::Cut::up: up_[fault.host] += change; return;
    case Fault::Cut::down: down_[fault.host] += change; return;
    case Fault::Cut::both:
      up_[fault.host] += change;
      down_[fault.host] += change;
      return;
    case Fault::Cut::lossy: lossy_[fault.host] += change; return;
    case Fault::Cut::peers:
      if (fault.begins)
        halves_.push_back(fault.host);
      else if (const auto at = std::ranges::find(halves_, fault.host); at != halves_.end())
        halves_.erase(at);
      return;
  }
}

bool NetworkState::is_cut(std::uint32_t a, std::uint32_t b) const {
  const auto side = [](std::uint64_t seed, std::uint64_t host) { return mix(seed * 1'000'003 + host + 1) % 2; };
  return std::ranges::any_of(halves_, [&](std::uint32_t seed) { return side(seed, a) != side(seed, b); });
}

nanoseconds NetworkState::base_delay(std::uint32_t from, std::uint32_t to) {
  const std::uint64_t share = mix(std::uint64_t{from} << 32U | to) % 58'000;
  return 2ms + std::chrono::microseconds(share);
}

}  // namespace sonde::sim
