// The configuration files of a mesh in the lab.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "shared/base/endpoint.h"

namespace sonde::lab {

/// Texts of coordinator.yaml, of one agent's file for each site, and of wan.yaml.
struct MeshFiles {
  std::string coordinator;
  std::map<std::string, std::string> agents;
  std::string wan;
};

/// coordinator.yaml, wan.yaml, and every other NAME.yaml as the agent NAME. Throws std::runtime_error.
MeshFiles read_mesh_files(const std::filesystem::path& folder);

/// A mesh of sites at the addresses of `wan` (a topology), with `probes` as the text behind `probes:`. Sites in
/// `outside` are on the WAN but not in the mesh.
MeshFiles make_mesh_files(const std::string& mesh, const std::string& probes, const std::string& wan,
                          const std::vector<std::string>& outside = {});

/// The sites of wan.yaml with their first address, in order.
std::vector<std::pair<std::string, IpAddress>> sites_of(const MeshFiles& files);

/// The same mesh on 127.0.0.0/8: sites at 127.0.0.11 and up, at the given ports.
MeshFiles on_loopback(MeshFiles files, std::uint16_t control_port, std::uint16_t agent_port);

inline constexpr std::uint16_t control_port = 7100;
inline constexpr std::uint16_t agent_port = 7101;

}  // namespace sonde::lab
