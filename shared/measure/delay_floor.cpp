#include "shared/measure/delay_floor.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace sonde {
namespace {

struct Point {
  double x;
  double y;
};

/// Andrew's monotone chain, lower half; points ordered by x.
std::vector<Point> lower_hull(const std::vector<Point>& points) {
  std::vector<Point> hull;
  for (const Point& p : points) {
    while (hull.size() >= 2) {
      const Point& a = hull[hull.size() - 2];
      const Point& b = hull.back();
      if ((b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x) > 0) break;
      hull.pop_back();
    }
    hull.push_back(p);
  }
  return hull;
}

}  // namespace

void DelayFloor::on_sample(MonoTime at, nanoseconds forward) {
  if (buckets_.empty() || at - buckets_.back().began >= bucket) {
    buckets_.push_back({at, at, forward});
  } else if (forward < buckets_.back().forward) {
    buckets_.back().at = at;
    buckets_.back().forward = forward;
  }
  while (at - buckets_.front().began > window) buckets_.pop_front();
}

DelayFloor::Line DelayFloor::plain_minimum() const {
  const auto least = std::ranges::min_element(buckets_, {}, &Least::forward);
  return {least->at, static_cast<double>(least->forward.count()), 0.0};
}

std::optional<DelayFloor::Line> DelayFloor::line(bool remove_drift) const {
  if (buckets_.empty()) return std::nullopt;
  const MonoTime first = buckets_.front().at;
  if (!remove_drift || buckets_.back().at - first < least_history) return plain_minimum();
  std::vector<Point> points;
  double middle = 0;
  for (const Least& least : buckets_) {
    points.push_back({static_cast<double>((least.at - first).count()), static_cast<double>(least.forward.count())});
    middle += points.back().x / static_cast<double>(buckets_.size());
  }
  const std::vector<Point> hull = lower_hull(points);
  for (std::size_t i = 1; i < hull.size(); ++i) {
    if (hull[i].x < middle) continue;
    const double slope = (hull[i].y - hull[i - 1].y) / (hull[i].x - hull[i - 1].x);
    if (std::abs(slope) > steepest_drift) break;
    return Line{first, hull[i].y - slope * hull[i].x, slope};
  }
  return plain_minimum();
}

nanoseconds DelayFloor::rise(const Line& line, MonoTime at, nanoseconds forward) {
  const double above = static_cast<double>(forward.count()) - line.at(at);
  return nanoseconds(std::max<std::int64_t>(0, std::llround(above)));
}

}  // namespace sonde
