// Numbers as people read them, under the names of this room.
#pragma once

#include "coordinator/core/human.h"

namespace sonde::cli {

using sonde::human;
using sonde::human_age;
using sonde::human_bytes;
using sonde::human_stretch;

}  // namespace sonde::cli
