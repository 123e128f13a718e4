// Where the time comes from. Read once in each turn of a loop.
#pragma once

#include <optional>

#include "shared/base/time.h"

namespace sonde::io {

Now read_clock();

/// How wrong the kernel holds its own wall clock to be at most (adjtimex(2), maxerror), where a daemon keeps it
/// synchronised; nullopt where none does, or where the daemon leaves the figure at 0, which is no bound.
std::optional<nanoseconds> kernel_clock_error();

/// Whether a daemon keeps it synchronised at all, with or without such a bound.
bool kernel_clock_synchronised();

}  // namespace sonde::io
