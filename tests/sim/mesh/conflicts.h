// What may never happen in a mesh, checked by true time: two runs that need the same site or uplink at one instant.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coordinator/core/audit.h"
#include "coordinator/core/mesh.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"

namespace sonde::sim {

/// Knows nothing of timetables, clocks or agents: only when data flowed on which link.
class Conflicts {
 public:
  Conflicts(const Mesh& mesh, bool full_duplex) : places_(mesh, full_duplex), users_(places_.count()) {}

  /// Data begins to flow. `note` stands in the complaint where somebody else is there already.
  void begin(std::uint64_t flow, const Link& link, SharedTime true_time, const std::string& note);
  void end(std::uint64_t flow);

  const std::vector<std::string>& found() const { return found_; }
  std::size_t under_way() const { return flows_; }

 private:
  struct User {
    std::uint64_t flow;
    std::string what;
  };
  RunPlaces places_;
  std::vector<std::vector<User>> users_;  ///< by place
  std::vector<std::string> found_;
  std::size_t flows_ = 0;
};

}  // namespace sonde::sim
