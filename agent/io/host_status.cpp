#include "agent/io/host_status.h"

#include <cstdio>
#include <fstream>
#include <string>

namespace sonde::io {

double read_cpu_pressure() {
  std::ifstream in("/proc/pressure/cpu");
  std::string line;
  double percent = 0;
  if (!std::getline(in, line) || std::sscanf(line.c_str(), "some avg10=%lf", &percent) != 1) return 0;
  return percent / 100;
}

}  // namespace sonde::io
