// Goes the way to the coordinator step by step, for `sonde doctor`: name, TCP connection, keys, answer.
#pragma once

#include <string>

#include "agent/core/doctor.h"
#include "shared/base/ids.h"
#include "shared/io/curve_keys.h"

namespace sonde::io {

struct ControlTarget {
  SiteId site;
  std::string endpoint;  ///< tcp://HOST:PORT
  KeyPair keys;
  std::string coordinator_key;  ///< Z85
};

/// Takes as long as it takes to be answered, at most about 15 s.
doctor::Control survey_control(const ControlTarget& target);

}  // namespace sonde::io
