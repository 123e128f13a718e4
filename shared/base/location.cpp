#include "shared/base/location.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace sonde {

double great_circle_m(const Location& a, const Location& b) {
  constexpr double earth_radius_m = 6'371'008.8;  // mean radius R1, IUGG
  const auto radians = [](double degrees) { return degrees * std::numbers::pi / 180; };
  const double half_lat = std::sin(radians(b.latitude - a.latitude) / 2);
  const double half_lon = std::sin(radians(b.longitude - a.longitude) / 2);
  const double h =
      half_lat * half_lat + std::cos(radians(a.latitude)) * std::cos(radians(b.latitude)) * half_lon * half_lon;
  return 2 * earth_radius_m * std::asin(std::min(1.0, std::sqrt(h)));
}

}  // namespace sonde
