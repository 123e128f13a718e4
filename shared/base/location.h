// Where a site is, and how far it is from another.
#pragma once

namespace sonde {

/// Degrees, WGS 84.
struct Location {
  double latitude = 0;   ///< -90 to 90
  double longitude = 0;  ///< -180 to 180
  bool operator==(const Location&) const = default;
};

/// Metres along the great circle on a sphere of the Earth's mean radius (haversine formula); within 0.56 % of the
/// geodesic on the ellipsoid.
double great_circle_m(const Location& a, const Location& b);

}  // namespace sonde
