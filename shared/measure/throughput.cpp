#include "shared/measure/throughput.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "shared/base/error.h"

namespace sonde {
namespace {

using Readings = std::span<const ArrivalReading>;

constexpr std::size_t max_chunks = 128;
constexpr std::size_t min_chunks_for_knee = 8;
/// A window of chunks looks steady when its time is within this share of the reference.
constexpr double window_tolerance = 0.05;
/// The same where windows differ much among themselves.
constexpr double widest_tolerance = 0.4;
/// A chunk that holds the knee is part burst: so many more are left out behind it.
constexpr std::size_t knee_margin = 1;
/// A burst too small for a chunk of its own is one where the curve lies this much above the steady line, in bytes and
/// in multiples of what the line wanders by itself.
constexpr double least_excess_bytes = 3'000;
constexpr double excess_over_noise = 3;
/// Pieces of equal bytes behind the knee, to see whether the rate still changes: by how many standard errors, and by
/// what share at least.
constexpr std::size_t trim_pieces = 32;
constexpr double trim_errors = 4;
/// The standard error of a median, in median absolute deviations times the root of the count: 1.4826 x 1.2533.
constexpr double median_error = 1.86;
constexpr double trim_contrast = 0.003;
/// Sixty full segments.
constexpr std::uint64_t enough_straight_bytes = 87'000;
/// Where the even part may begin.
constexpr std::size_t most_tails = 64;
/// What came before the knee must differ by this share from what comes after, or there is no knee.
constexpr double knee_contrast = 0.10;
/// The steady part's halves differ by more than this: the rate is not steady.
constexpr double drift_tolerance = 0.25;

double seconds_between(MonoTime from, MonoTime to) { return to_seconds(to - from); }

/// Instants at which equal shares of bytes had come, by straight lines between readings: a hole that is filled late
/// makes one big reading, and the line through it is close to when the data came off the link.
std::vector<double> equal_byte_instants(Readings readings, std::size_t chunks) {
  const double first = static_cast<double>(readings.front().bytes);
  const double share = (static_cast<double>(readings.back().bytes) - first) / static_cast<double>(chunks);
  std::vector<double> instants(chunks + 1);
  std::size_t right = 1;
  for (std::size_t i = 1; i < chunks; ++i) {
    const double wanted = first + share * static_cast<double>(i);
    while (right + 1 < readings.size() && static_cast<double>(readings[right].bytes) < wanted) ++right;
    const auto& a = readings[right - 1];
    const auto& b = readings[right];
    const double width = static_cast<double>(b.bytes - a.bytes);
    const double part = width > 0 ? (wanted - static_cast<double>(a.bytes)) / width : 1;
    instants[i] = seconds_between(readings.front().at, a.at) + part * seconds_between(a.at, b.at);
  }
  instants[chunks] = seconds_between(readings.front().at, readings.back().at);
  return instants;
}

double mean_chunk(const std::vector<double>& instants, std::size_t from, std::size_t to) {
  return (instants[to] - instants[from]) / static_cast<double>(to - from);
}

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

struct Reference {
  double chunk = 0;      ///< time of a chunk
  double tolerance = 0;  ///< share of it by which a window may differ
};

/// The time of a chunk in the later half of the run: the median over windows, so that one stall does not move it; and
/// how far windows usually are from it.
Reference reference_chunk(const std::vector<double>& instants, std::size_t window) {
  const std::size_t chunks = instants.size() - 1;
  const double half = instants.back() / 2;
  auto begin = static_cast<std::size_t>(std::ranges::lower_bound(instants, half) - instants.begin());
  begin = std::min(begin, chunks - window);
  std::vector<double> means;
  for (std::size_t i = begin; i + window <= chunks; ++i) means.push_back(mean_chunk(instants, i, i + window));
  const double chunk = median(means);
  for (double& mean : means) mean = std::abs(mean - chunk);
  const double spread = chunk > 0 ? 2 * median(means) / chunk : 0;
  return {chunk, std::clamp(spread, window_tolerance, widest_tolerance)};
}

struct KneeAt {
  Knee knee = Knee::none;
  std::size_t chunk = 0;
};

bool is_near(double value, double reference, double tolerance) {
  return std::abs(value - reference) <= tolerance * reference;
}

/// The first window that runs at the later half's pace; within it, the first chunk that does.
KneeAt find_knee(const std::vector<double>& instants) {
  const std::size_t chunks = instants.size() - 1;
  if (chunks < min_chunks_for_knee) return {Knee::ambiguous, 0};
  const std::size_t window = std::clamp<std::size_t>(chunks / 12, 3, 10);
  const Reference usual = reference_chunk(instants, window);
  std::size_t at = 0;
  const auto steady = [&](std::size_t i) {
    return is_near(mean_chunk(instants, i, i + window), usual.chunk, usual.tolerance);
  };
  while (at + window <= chunks && !steady(at)) ++at;
  if (at + window > chunks) return {Knee::ambiguous, chunks / 4};
  while (at > 0 && at + window < chunks && !is_near(mean_chunk(instants, at, at + 1), usual.chunk, 2 * usual.tolerance))
    ++at;
  const std::size_t middle = at + (chunks - at) / 2;
  const double drift = mean_chunk(instants, at, middle) / mean_chunk(instants, middle, chunks);
  if (drift > 1 + drift_tolerance || drift < 1 / (1 + drift_tolerance)) return {Knee::ambiguous, at};
  if (at == 0) return {Knee::none, 0};
  if (is_near(mean_chunk(instants, 0, at), mean_chunk(instants, at, chunks), knee_contrast)) return {Knee::none, 0};
  return {Knee::found, std::min(at + knee_margin, chunks - window)};
}

/// Bytes by which a reading lies above a line of the steady rate through the first one.
class Excess {
 public:
  Excess(Readings readings, MonoTime tail_begin) : first_(readings.front()) {
    const auto tail = std::ranges::lower_bound(readings, tail_begin, {}, &ArrivalReading::at);
    const auto& last = readings.back();
    const double span = tail == readings.end() ? 0 : seconds_between(tail->at, last.at);
    rate_ = span > 0 ? static_cast<double>(last.bytes - tail->bytes) / span : 0;
  }
  double operator()(const ArrivalReading& r) const {
    return static_cast<double>(r.bytes - first_.bytes) - rate_ * seconds_between(first_.at, r.at);
  }
  bool known() const { return rate_ > 0; }

 private:
  ArrivalReading first_;
  double rate_ = 0;
};

/// The first reading behind a burst that is too small for the chunks; nullptr where there is none.
const ArrivalReading* small_burst(Readings readings) {
  const ArrivalReading& first = readings.front();
  const Excess excess(readings, first.at + (readings.back().at - first.at) / 4);
  if (!excess.known()) return nullptr;
  std::vector<double> later;
  for (const ArrivalReading& r : readings.subspan(readings.size() / 4)) later.push_back(excess(r));
  const auto [least, most] = std::ranges::minmax(later);
  const double burst = median(later);
  if (burst < least_excess_bytes || burst < excess_over_noise * (most - least)) return nullptr;
  const auto at = std::ranges::find_if(readings, [&](const ArrivalReading& r) { return excess(r) >= burst; });
  return at == readings.end() ? nullptr : &*at;
}

/// The greatest distance from the straight line, as a share of the bytes.
double stray(Readings steady) {
  const ArrivalReading& first = steady.front();
  const ArrivalReading& last = steady.back();
  const double bytes = static_cast<double>(last.bytes - first.bytes);
  const double rate = bytes / seconds_between(first.at, last.at);
  double most = 0;
  for (const ArrivalReading& reading : steady) {
    const double from_first = static_cast<double>(reading.bytes - first.bytes);
    most = std::max(most, std::abs(from_first - rate * seconds_between(first.at, reading.at)));
  }
  return most / bytes;
}

/// Where a slow link's queue ran empty once more behind the knee, because the end of the first flood was lost, arrivals
/// are even from there on only: the steady part is then the longest even one that holds most of the data. Of few
/// readings such a beginning may take half; of many, what takes so much is a stall, which is part of the rate.
Readings even_tail(Readings steady) {
  if (stray(steady) <= throughput_even) return steady;
  const std::uint64_t most_left_out = steady.size() < 4 * trim_pieces ? 2 : 4;
  const std::uint64_t bytes = steady.back().bytes - steady.front().bytes;
  const auto last_start =
      std::ranges::upper_bound(steady, steady.front().bytes + bytes / most_left_out, {}, &ArrivalReading::bytes);
  const auto starts = static_cast<std::size_t>(last_start - steady.begin());
  const std::size_t step = starts / most_tails + 1;
  for (std::size_t start = 1; start < starts; start += step) {
    const Readings rest = steady.subspan(start);
    if (rest.size() < throughput_min_reads || rest.back().at <= rest.front().at) break;
    if (stray(rest) <= throughput_even) return rest;
  }
  return steady;
}

/// Student's t for 9 to 19 degrees of freedom: two-sided 95 %, and 99 % = 1 - 0.05 / throughput_looks.
constexpr std::array<double, 11> t_95{2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093};
constexpr std::array<double, 11> t_look{3.250, 3.169, 3.106, 3.055, 3.012, 2.977, 2.947, 2.921, 2.898, 2.878, 2.861};
static_assert(throughput_looks == 5 && throughput_max_batches - throughput_min_batches + 1 == t_look.size());

/// Batch means over batches of equal bytes: the spread of their times gives the interval of the mean.
void add_interval(ThroughputEstimate& estimate, Readings steady, std::optional<nanoseconds> rtt) {
  const nanoseconds batch = std::max(throughput_min_batch, rtt.value_or(nanoseconds{0}) * 10);
  const auto fit = estimate.steady_time / batch;
  if (fit < throughput_min_batches || steady.size() < throughput_min_batches) return;
  const auto readings_allow = static_cast<std::int64_t>(steady.size() - 1);
  const auto n = static_cast<std::uint32_t>(
      std::min<std::int64_t>({fit, throughput_max_batches, std::max<std::int64_t>(readings_allow, 0)}));
  if (n < throughput_min_batches) return;
  const auto instants = equal_byte_instants(steady, n);
  const double mean = mean_chunk(instants, 0, n);
  double squares = 0;
  for (std::size_t i = 0; i < n; ++i) squares += std::pow(instants[i + 1] - instants[i] - mean, 2);
  const double error = std::sqrt(squares / (n - 1) / n) / mean;
  estimate.batches = n;
  estimate.half_width = t_95.at(n - throughput_min_batches) * error;
  estimate.look_width = t_look.at(n - throughput_min_batches) * error;
}

struct SteadyFrom {
  Knee knee = Knee::none;
  ArrivalReading reading;  ///< the first one where there is no knee
};

SteadyFrom find_steady(Readings readings) {
  const ArrivalReading& first = readings.front();
  const ArrivalReading& last = readings.back();
  const auto instants = equal_byte_instants(readings, std::min(max_chunks, readings.size() - 1));
  const std::size_t chunks = instants.size() - 1;
  const KneeAt knee = find_knee(instants);
  const double share = static_cast<double>(last.bytes - first.bytes) / static_cast<double>(chunks);
  ArrivalReading begin{first.at + from_seconds(instants[knee.chunk]),
                       first.bytes + static_cast<std::uint64_t>(share * static_cast<double>(knee.chunk))};
  // From a reading on: between two of them the line is only drawn.
  if (knee.chunk > 0) {
    const auto next = std::ranges::lower_bound(readings, begin.at, {}, &ArrivalReading::at);
    if (next != readings.end()) begin = *next;
  }
  if (begin.at >= last.at) begin = first;
  if (knee.knee == Knee::none)
    if (const ArrivalReading* small = small_burst(readings); small != nullptr && small->at < last.at)
      return {Knee::found, *small};
  return {knee.knee, begin};
}

/// A bucket that empties slowly, or a window that still grows a little, bends the curve too gently for the chunks.
/// Where the rate before a split differs from the rate behind it by more than the pieces behind it differ among
/// themselves, what came before the split is left out. Medians: one stall is part of the rate.
SteadyFrom trim(Readings readings, SteadyFrom from) {
  for (const std::size_t eighths : {1U, 2U, 4U}) {
    const auto begin = std::ranges::upper_bound(readings, from.reading.at, {}, &ArrivalReading::at);
    std::vector<ArrivalReading> steady{from.reading};
    steady.insert(steady.end(), begin, readings.end());
    if (steady.size() < 4 * trim_pieces || steady.back().bytes == from.reading.bytes) return from;
    const auto instants = equal_byte_instants(steady, trim_pieces);
    const std::size_t split = trim_pieces * eighths / 8;
    std::vector<double> pieces;
    for (std::size_t i = 0; i < trim_pieces; ++i) pieces.push_back(instants[i + 1] - instants[i]);
    std::vector<double> early(pieces.begin(), pieces.begin() + static_cast<std::ptrdiff_t>(split));
    std::vector<double> late(pieces.begin() + static_cast<std::ptrdiff_t>(split), pieces.end());
    const double before = median(early);
    const double after = median(late);
    for (double& piece : late) piece = std::abs(piece - after);
    const double error = median(late) * median_error / std::sqrt(static_cast<double>(std::min(split, late.size())));
    if (std::abs(before - after) < std::max(trim_errors * error, trim_contrast * after)) continue;
    const double share =
        static_cast<double>(steady.back().bytes - from.reading.bytes) * static_cast<double>(eighths) / 8;
    from.reading = {from.reading.at + from_seconds(instants[split]),
                    from.reading.bytes + static_cast<std::uint64_t>(share)};
  }
  return from;
}

/// However unclear the beginning is: what is still growing or falling is not straight for so long.
bool straight_enough(const ThroughputEstimate& estimate, std::uint64_t all_bytes) {
  const bool much = 2 * estimate.steady_bytes >= all_bytes || estimate.steady_bytes >= enough_straight_bytes;
  return much && estimate.unevenness && *estimate.unevenness <= throughput_even;
}

bool has_value(Readings readings) {
  return readings.size() >= throughput_min_reads && readings.back().at > readings.front().at &&
         readings.back().bytes > readings.front().bytes;
}

}  // namespace

ThroughputEstimate estimate_throughput(Readings readings, std::optional<nanoseconds> rtt,
                                       std::optional<MonoTime> quiet_from) {
  ThroughputEstimate estimate;
  if (readings.empty()) return estimate;
  const ArrivalReading first = readings.front();
  const ArrivalReading last = readings.back();
  SONDE_ASSERT(first.at <= last.at && first.bytes <= last.bytes);
  estimate.steady_from = first.at;
  if (!has_value(readings)) return estimate;
  estimate.total_bps = 8 * static_cast<double>(last.bytes - first.bytes) / seconds_between(first.at, last.at);

  Readings quiet = readings;
  if (quiet_from) {
    const auto at = std::ranges::lower_bound(readings, *quiet_from, {}, &ArrivalReading::at);
    const Readings rest = readings.subspan(static_cast<std::size_t>(at - readings.begin()));
    if (!rest.empty() && has_value(rest)) quiet = rest;
  }
  SteadyFrom steady_from = trim(quiet, find_steady(quiet));
  std::vector<ArrivalReading> behind_knee{steady_from.reading};
  const auto after = std::ranges::upper_bound(quiet, steady_from.reading.at, {}, &ArrivalReading::at);
  behind_knee.insert(behind_knee.end(), after, quiet.end());
  Readings steady = behind_knee;
  if (last.bytes > steady.front().bytes) steady = even_tail(steady);
  const ArrivalReading& begin = steady.front();
  if (steady_from.knee == Knee::none && begin.at > first.at) steady_from.knee = Knee::found;
  estimate.knee = steady_from.knee;
  estimate.burst_bytes = begin.at == first.at ? 0 : begin.bytes;
  estimate.steady_from = begin.at;
  estimate.steady_time = last.at - begin.at;
  estimate.steady_bytes = last.bytes - begin.bytes;
  estimate.steady_bps = 8 * static_cast<double>(estimate.steady_bytes) / to_seconds(estimate.steady_time);
  if (begin.at > first.at) {
    const double before = static_cast<double>(begin.bytes - first.bytes) / seconds_between(first.at, begin.at);
    estimate.fell = estimate.knee == Knee::found && 8 * before > *estimate.steady_bps;
  }
  if (last.bytes > begin.bytes) estimate.unevenness = stray(steady);
  if (estimate.knee == Knee::ambiguous && straight_enough(estimate, last.bytes - first.bytes))
    estimate.knee = Knee::found;
  add_interval(estimate, steady, rtt);
  return estimate;
}

std::string_view name(ThroughputLimit limit) {
  static constexpr std::array<std::string_view, throughput_limit_count> names{"path", "receiver_window", "send_buffer",
                                                                              "application", "unknown"};
  return names.at(static_cast<std::size_t>(limit));
}

ThroughputLimit throughput_limit(nanoseconds elapsed, nanoseconds busy, nanoseconds receiver_window,
                                 nanoseconds send_buffer) {
  if (elapsed < throughput_limit_needs || busy <= nanoseconds{0}) return ThroughputLimit::unknown;
  if (busy < elapsed * 4 / 5) return ThroughputLimit::application;
  if (receiver_window >= busy / 2) return ThroughputLimit::receiver_window;
  if (send_buffer >= busy / 2) return ThroughputLimit::send_buffer;
  return ThroughputLimit::path;
}

}  // namespace sonde
