#include "tests/wan/lab/mesh_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "tests/wan/lab/namespaces.h"
#include "tests/wan/topology.h"

namespace sonde::lab {
namespace {

std::string text_of(const std::filesystem::path& file) {
  const std::ifstream stream(file);
  if (!stream) throw std::runtime_error("cannot read " + file.string());
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

void replace_all(std::string& text, const std::string& what, const std::string& with) {
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

}  // namespace

MeshFiles read_mesh_files(const std::filesystem::path& folder) {
  MeshFiles files;
  files.coordinator = text_of(folder / "coordinator.yaml");
  files.wan = text_of(folder / "wan.yaml");
  for (const auto& [name, address] : sites_of(files)) files.agents[name] = text_of(folder / (name + ".yaml"));
  return files;
}

std::vector<std::pair<std::string, IpAddress>> sites_of(const MeshFiles& files) {
  const auto topology = wan::parse_topology(files.wan, "wan.yaml");
  if (!topology.value) throw std::runtime_error(config::to_text(topology.diagnostics));
  std::vector<std::pair<std::string, IpAddress>> sites;
  for (const wan::WanSite& site : topology.value->sites) sites.emplace_back(site.site.str(), site.addresses.at(0));
  return sites;
}

MeshFiles make_mesh_files(const std::string& mesh, const std::string& probes, const std::string& wan,
                          const std::vector<std::string>& outside) {
  MeshFiles files{.coordinator = {}, .agents = {}, .wan = wan};
  std::string sites;
  for (const auto& [name, address] : sites_of(files)) {
    if (std::ranges::find(outside, name) != outside.end()) continue;
    sites += fmt::format("  - {{name: {}, address: {}, port: {}}}\n", name, address.str(), agent_port);
    files.agents[name] = fmt::format(
        "site: {0}\n"
        "coordinator: {{endpoint: \"tcp://{1}:{2}\", key: keys/coordinator.public}}\n"
        "keys: {{secret: keys/{0}.secret}}\n"
        "listen: {{address: {3}, port: {4}}}\n"
        "spool: {{path: {0}-spool.db}}\n",
        name, hub_address, control_port, address.str(), agent_port);
  }
  files.coordinator = fmt::format(
      "mesh: {}\n"
      "control: tcp://{}:{}\n"
      "http: 127.0.0.1:8080\n"
      "keys: {{secret: keys/coordinator.secret, agents: keys/agents/}}\n"
      "store: sqlite://results.db\n"
      "sites:\n{}"
      "probes:\n{}\n",
      mesh, hub_address, control_port, sites, probes);
  return files;
}

MeshFiles on_loopback(MeshFiles files, std::uint16_t control, std::uint16_t agents) {
  std::vector<std::string*> texts{&files.coordinator};
  for (auto& [name, text] : files.agents) texts.push_back(&text);
  const auto sites = sites_of(files);
  for (std::string* text : texts) {
    replace_all(*text, fmt::format("{}:{}", hub_address, control_port), fmt::format("127.0.0.1:{}", control));
    replace_all(*text, fmt::format("port: {}", agent_port), fmt::format("port: {}", agents));
    for (std::size_t i = 0; i < sites.size(); ++i)
      replace_all(*text, fmt::format("address: {},", sites[i].second.str()),
                  fmt::format("address: 127.0.0.{},", 11 + i));
  }
  return files;
}

}  // namespace sonde::lab
