#include "shared/base/error.h"

#include <cstdio>
#include <cstdlib>

namespace sonde {

void bug(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "bug: %s:%d: assertion failed: %s\n", file, line, expression);
  std::abort();
}

}  // namespace sonde
