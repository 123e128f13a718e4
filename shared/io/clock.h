// Where the time comes from. Read once in each turn of a loop.
#pragma once

#include "shared/base/time.h"

namespace sonde::io {

Now read_clock();

}  // namespace sonde::io
