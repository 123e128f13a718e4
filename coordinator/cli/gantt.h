// A timetable's throughput slots as a chart. Pure.
#pragma once

#include <cstddef>
#include <string>

#include "coordinator/core/mesh.h"
#include "shared/base/error.h"
#include "shared/schedule/timetable.h"

namespace sonde::cli {

/// More bars than these would be a file that no viewer opens; a cycle of 300 sites has fewer.
inline constexpr std::size_t most_gantt_bars = 200'000;

/// An SVG document: one row for each site and uplink, time to the right, a bar where it is in a run; which way the data
/// flows is told by the bar's colour, the other end by its text where it fits and by its title. One cycle, or the whole
/// interval where links have intervals of their own. An error where there is nothing to draw, or too much.
Expected<std::string> gantt_svg(const Mesh& mesh, const Timetable& timetable);

}  // namespace sonde::cli
