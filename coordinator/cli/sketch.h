// Small pictures of numbers in one line of text. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sonde::cli {

/// What pictures are made of: U+2581 to U+2588, or letters where the terminal's character set is not UTF-8.
enum class Ink : std::uint8_t { blocks, ascii };

/// One character for each value, from the lowest bar at `low` to the highest at `high`; values beyond are cut off. A
/// blank where there is none.
std::string sparkline(std::span<const std::optional<double>> values, double low, double high, Ink ink);

struct Bucket {
  double low = 0;
  double high = 0;
  double count = 0;
};

struct Range {
  double low = 0;
  double high = 0;
};

/// From where a hundredth of the samples is below to where a hundredth is above; nullopt without any sample.
std::optional<Range> bulk_of(std::span<const Bucket> buckets);

/// How many samples fall into each of `columns` equal parts of the range; a bucket is spread evenly over what it spans.
std::vector<double> spread_over(std::span<const Bucket> buckets, Range range, std::size_t columns);

}  // namespace sonde::cli
