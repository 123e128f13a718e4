#include "agent/io/host_status.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace sonde::io {

double read_cpu_pressure() {
  std::ifstream in("/proc/pressure/cpu");
  std::string line;
  double percent = 0;
  if (!std::getline(in, line) || std::sscanf(line.c_str(), "some avg10=%lf", &percent) != 1) return 0;
  return percent / 100;
}

std::uint64_t read_listen_overflows() {
  std::ifstream in("/proc/net/netstat");
  std::string names;
  std::string values;
  while (std::getline(in, names) && std::getline(in, values)) {
    if (!names.starts_with("TcpExt:")) continue;
    std::istringstream name_words(names);
    std::istringstream value_words(values);
    std::string name;
    std::string value;
    while (name_words >> name && value_words >> value)
      if (name == "ListenOverflows") return std::strtoull(value.c_str(), nullptr, 10);
  }
  return 0;
}

}  // namespace sonde::io
