// The lab's network namespaces, with an undelayed control network between them.
#pragma once

#include <string>
#include <vector>

#include "shared/base/error.h"

namespace sonde::lab {

/// Nothing where this process may make namespaces and TUN devices; else why not.
Expected<void> may_emulate();

/// One namespace for each site and one called `hub`, all with `prefix` before their names. In the hub a bridge with
/// 198.51.100.1/24; every site is connected to it by its `ctl0`, 198.51.100.10 and up in the order of the sites.
/// Nothing is made outside of these namespaces. Throws std::runtime_error with what `ip` said.
void make_namespaces(const std::string& prefix, const std::vector<std::string>& sites);

/// Every namespace whose name begins with `prefix`.
void remove_namespaces(const std::string& prefix);

/// Namespaces and run folders of labs whose process is gone.
void remove_leftovers();

inline constexpr const char* hub_address = "198.51.100.1";
std::string lab_prefix(int pid);  ///< "sonde-PID-"
std::string lab_folder(int pid);  ///< "/tmp/sonde-lab-PID"

/// A process that outlives this one just long enough to remove its namespaces and its folder, however it ended.
class Guardian {
 public:
  Guardian(const std::string& prefix, const std::string& folder);
  Guardian(const Guardian&) = delete;
  Guardian& operator=(const Guardian&) = delete;
  ~Guardian();  ///< dismisses it: everything has been removed

 private:
  int line_ = -1;
  int pid_ = -1;
};

}  // namespace sonde::lab
