// The verbs of `sonde`: ask, show, say what went wrong.
#pragma once

namespace sonde::cli {

/// The whole program; returns its exit code: 0 fine, 1 failed, 2 bad usage, 78 bad configuration.
int run(int argc, const char* const* argv);

}  // namespace sonde::cli
