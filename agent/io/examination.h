// Looks at the host that it runs on, for `sonde doctor`: clock, kernel stamps, ports, disk. Changes nothing; opens
// sockets of its own and closes them again.
#pragma once

#include <filesystem>
#include <optional>

#include "agent/core/doctor.h"
#include "shared/base/endpoint.h"
#include "shared/base/units.h"

namespace sonde::io {

struct ExaminationPlan {
  Endpoint listen;  ///< as the agent's configuration has it
  std::filesystem::path spool;
  Bytes spool_max_size;
  bool clock_configured = false;  ///< clock.error is set
};

doctor::Host examine_host(const ExaminationPlan& plan);

}  // namespace sonde::io
