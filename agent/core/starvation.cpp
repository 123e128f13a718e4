#include "agent/core/starvation.h"

namespace sonde {

void mark_starved(Result& result, double cpu_pressure) {
  if (result.probe == Probe::latency || !was_tried(result.outcome) || cpu_pressure < starving_pressure) return;
  result.set(Tag::starved);
  result.details.push_back({"cpu_pressure", cpu_pressure});
}

}  // namespace sonde
