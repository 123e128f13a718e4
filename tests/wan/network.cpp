#include "tests/wan/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "tests/wan/router.h"
#include "tests/wan/settings.h"

namespace sonde::wan {
namespace {

constexpr std::array<std::string_view, drop_count> drop_names{"none", "down", "mtu", "loss", "queue"};

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const auto end = std::min(line.find(' '), line.size());
    if (end > 0) words.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

/// Stable under additions to the topology, so that a path's draws stay the same.
std::uint64_t path_number(const SiteId& from, const SiteId& to) {
  std::uint64_t hash = 0xcbf29ce484222325U;  // FNV-1a
  for (const char c : from.str() + ">" + to.str()) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}

double milliseconds(std::optional<double> ns) { return ns.value_or(0) / 1e6; }

}  // namespace

Expected<Network> Network::make(const Topology& topology) {
  if (topology.sites.size() > most_sites) return fail(fmt::format("more than {} sites", most_sites));
  Network network(topology.sites);
  std::set<SiteId> names;
  for (std::size_t i = 0; i < topology.sites.size(); ++i) {
    const WanSite& site = topology.sites[i];
    if (!names.insert(site.site).second) return fail(fmt::format("site {} is there twice", site.site.str()));
    if (site.addresses.empty()) return fail(fmt::format("site {} has no address", site.site.str()));
    for (const IpAddress& address : site.addresses)
      if (!network.owners_.emplace(address, i).second) return fail(fmt::format("{} is there twice", address.str()));
  }
  for (const WanSite& from : topology.sites)
    for (const WanSite& to : topology.sites)
      network.paths_.emplace_back(topology.seed, path_number(from.site, to.site));
  network.stats_.resize(network.paths_.size());
  for (const WanPath& path : topology.paths) {
    const auto from = network.named(path.from.str());
    const auto to = network.named(path.to.str());
    if (!from) return std::unexpected(from.error());
    if (!to) return std::unexpected(to.error());
    network.paths_[network.path_index(from->front(), to->front())].set(path.settings);
  }
  return network;
}

std::optional<Forward> Network::on_packet(MonoTime now, std::size_t from, std::span<std::byte> packet) {
  const auto view = view_ip(packet);
  const auto owner = view ? owners_.find(view->to) : owners_.end();
  if (owner == owners_.end() || owner->second == from) {
    ++unroutable_;
    return std::nullopt;
  }
  Forward forward{.to = owner->second, .path = path_index(from, owner->second)};
  PathStats& stats = stats_[forward.path];
  ++stats.packets;
  stats.bytes += packet.size();
  meet_routers(now, from, packet, forward);
  if (forward.fate.drop != Drop::none) ++stats.drops[static_cast<std::size_t>(forward.fate.drop)];
  return forward;
}

/// Hop 1 is the first router; a packet dies at the hop that its TTL names, but only if it gets there.
void Network::meet_routers(MonoTime now, std::size_t from, std::span<std::byte> packet, Forward& forward) {
  Path& path = paths_[forward.path];
  const auto octets = static_cast<std::uint32_t>(packet.size());
  const PathSettings& settings = path.settings();
  const auto view = view_ip(packet);
  const Routers routers = settings.hops.empty() ? Routers{} : routers_of(settings.hops, view->to.family);
  // A router's answer takes the share of both ways' delays that lies on this side of it.
  const auto answer = [&](std::size_t hop, const auto& make) {
    const auto& router = routers[hop - 1];
    if (!router) return;
    const nanoseconds round = settings.delay + paths_[path_index(forward.to, from)].settings().delay;
    forward.answer = make(*router);
    forward.answered = now + round * static_cast<std::int64_t>(hop) / static_cast<std::int64_t>(routers.size() + 1);
  };
  const auto expired = [&](const IpAddress& router) { return time_exceeded(router, packet); };
  const bool expires = !routers.empty() && view->ttl <= routers.size();
  if (expires && view->ttl <= settings.fault_hop) return answer(std::max<std::size_t>(view->ttl, 1), expired);
  forward.fate = path.on_packet(now, octets);
  if (forward.fate.drop == Drop::mtu && settings.mtu_told && !routers.empty())
    answer(std::clamp<std::size_t>(settings.fault_hop, 1, routers.size()),
           [&](const IpAddress& router) { return too_big(router, packet, settings.mtu); });
  if (forward.fate.drop != Drop::none) return;
  if (!expires) {
    if (!routers.empty()) count_down(packet, static_cast<std::uint8_t>(routers.size()));
    return;
  }
  forward.fate.copies = 0;
  answer(std::max<std::size_t>(view->ttl, 1), expired);
}

void Network::on_delivered(std::size_t path, std::uint32_t octets, nanoseconds late) {
  PathStats& stats = stats_[path];
  ++stats.delivered;
  stats.delivered_bytes += octets;
  stats.excess.add(std::max<std::int64_t>(late.count(), 0));
}

std::string Network::command(std::string_view line) {
  const auto words = words_of(line);
  if (words.empty()) return "error: an empty command; try `set FROM TO key=value...`, `stats` or `quit`";
  if (words[0] == "stats" && words.size() == 1) return stats_json();
  if (words[0] != "set") return fmt::format("error: unknown command '{}'; try set, stats or quit", words[0]);
  const auto done = change_paths(std::span(words).subspan(1));
  return done ? "ok" : "error: " + done.error().what;
}

Expected<std::vector<std::size_t>> Network::named(std::string_view name) const {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < sites_.size(); ++i)
    if (name == "*" || sites_[i].site.str() == name) found.push_back(i);
  if (found.empty()) return fail(fmt::format("unknown site '{}'", name));
  return found;
}

Expected<void> Network::change_paths(std::span<const std::string_view> words) {
  if (words.size() < 3) return fail("set needs FROM TO and at least one key=value");
  const auto from = named(words[0]);
  const auto to = named(words[1]);
  if (!from) return std::unexpected(from.error());
  if (!to) return std::unexpected(to.error());
  // All or nothing: the new settings are made first.
  std::vector<std::pair<std::size_t, PathSettings>> changed;
  for (const std::size_t i : *from)
    for (const std::size_t j : *to) {
      PathSettings settings = paths_[path_index(i, j)].settings();
      for (const std::string_view word : words.subspan(2)) {
        const auto equals = word.find('=');
        if (equals == word.npos) return fail(fmt::format("'{}' is not key=value", word));
        if (auto done = change(settings, word.substr(0, equals), word.substr(equals + 1)); !done) return done;
      }
      if (auto done = check(settings); !done) return done;
      changed.emplace_back(path_index(i, j), settings);
    }
  for (const auto& [index, settings] : changed) paths_[index].set(settings);
  return {};
}

std::string Network::stats_json() const {
  std::string paths;
  for (std::size_t i = 0; i < sites_.size(); ++i)
    for (std::size_t j = 0; j < sites_.size(); ++j) {
      if (i == j) continue;
      const PathStats& stats = stats_[path_index(i, j)];
      std::string drops;
      for (std::size_t k = 1; k < drop_count; ++k)
        drops += fmt::format("{}\"{}\":{}", k > 1 ? "," : "", drop_names[k], stats.drops[k]);
      paths += fmt::format(
          R"({}{{"from":"{}","to":"{}","packets":{},"bytes":{},"delivered":{},"delivered_bytes":{},"drops":{{{}}},)"
          R"("excess_ms":{{"p50":{:.4f},"p99":{:.4f},"max":{:.4f}}}}})",
          paths.empty() ? "" : ",", sites_[i].site.str(), sites_[j].site.str(), stats.packets, stats.bytes,
          stats.delivered, stats.delivered_bytes, drops, milliseconds(stats.excess.quantile(0.5)),
          milliseconds(stats.excess.quantile(0.99)), static_cast<double>(stats.excess.max()) / 1e6);
    }
  return fmt::format(R"({{"paths":[{}],"unroutable":{},"overflows":{}}})", paths, unroutable_, overflows_);
}

}  // namespace sonde::wan
