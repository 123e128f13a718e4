#include "coordinator/core/dispatcher.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace sonde {
namespace {

/// How far a try's weights reach: from 1 - widest / 2 to 1 + widest / 2.
constexpr double widest = 0.5;
/// Up to this share of the choices between two jobs of one pair take the shorter.
constexpr double most_shorter_first = 0.3;

std::uint64_t bit_of(std::uint32_t unit) { return std::uint64_t{1} << (unit % 64); }

}  // namespace

std::size_t Dispatcher::between(std::uint32_t a, std::uint32_t b) const {
  return std::size_t{std::min(a, b)} * units_ + std::max(a, b);
}

Dispatcher::Dispatcher(std::span<const Job> jobs, std::uint32_t units)
    : units_(units),
      words_((units + 63) / 64),
      jobs_(jobs.size()),
      first_(std::size_t{units} * units + 1, 0),
      loads_(units, 0),
      all_partners_(std::size_t{units} * words_, 0) {
  for (const Job& job : jobs) {
    lengths_.push_back(job.length.count());
    ++first_[between(job.a, job.b) + 1];
    loads_[job.a] += job.length.count();
    if (job.b == job.a) continue;
    loads_[job.b] += job.length.count();
    all_partners_[std::size_t{job.a} * words_ + job.b / 64] |= bit_of(job.b);
    all_partners_[std::size_t{job.b} * words_ + job.a / 64] |= bit_of(job.a);
  }
  std::partial_sum(first_.begin(), first_.end(), first_.begin());
  std::vector<std::uint32_t> next(first_.begin(), first_.end() - 1);
  for (std::uint32_t i = 0; i < jobs.size(); ++i) jobs_[next[between(jobs[i].a, jobs[i].b)]++] = i;
  for (std::size_t pair = 0; pair + 1 < first_.size(); ++pair)
    if (first_[pair + 1] - first_[pair] > 1)
      std::stable_sort(jobs_.begin() + first_[pair], jobs_.begin() + first_[pair + 1],
                       [&](std::uint32_t x, std::uint32_t y) { return lengths_[x] < lengths_[y]; });
}

const std::vector<std::uint32_t>& Dispatcher::run() {
  weights_.assign(units_, 1.0);
  shorter_first_ = 0;
  return dispatch(nullptr);
}

const std::vector<std::uint32_t>& Dispatcher::run(Random& random) {
  weights_.resize(units_);
  const double width = widest * random.unit();
  for (double& weight : weights_) weight = 1 + width * (random.unit() - 0.5);
  shorter_first_ = most_shorter_first * random.unit();
  return dispatch(&random);
}

const std::vector<std::uint32_t>& Dispatcher::dispatch(Random* random) {
  begin_.assign(first_.begin(), first_.end() - 1);
  end_.assign(first_.begin() + 1, first_.end());
  left_ = loads_;
  rank_.resize(units_);
  for (std::uint32_t unit = 0; unit < units_; ++unit) rank_[unit] = static_cast<double>(left_[unit]) * weights_[unit];
  partners_ = all_partners_;
  idle_.assign(words_, 0);
  order_.clear();
  now_ = 0;
  freed_.resize(units_);
  std::iota(freed_.begin(), freed_.end(), 0U);
  while (true) {
    start_what_can(random);
    if (ends_.empty()) return order_;
    now_ = ends_.top().first;
    freed_.clear();
    for (; !ends_.empty() && ends_.top().first == now_; ends_.pop()) freed_.push_back(ends_.top().second);
  }
}

/// Units that were idle before have nothing left to do with each other, so only the freed ones look for partners.
void Dispatcher::start_what_can(Random* random) {
  std::erase_if(freed_, [&](std::uint32_t unit) { return left_[unit] == 0; });
  std::ranges::sort(freed_, [&](std::uint32_t x, std::uint32_t y) { return comes_first(x, y); });
  for (const std::uint32_t unit : freed_) idle_[unit / 64] |= bit_of(unit);
  for (const std::uint32_t unit : freed_) {
    if ((idle_[unit / 64] & bit_of(unit)) == 0) continue;
    if (const auto partner = partner_of(unit)) start(unit, *partner, random);
  }
}

std::optional<std::uint32_t> Dispatcher::partner_of(std::uint32_t unit) const {
  std::optional<std::uint32_t> best;
  const std::uint64_t* const partners = &partners_[std::size_t{unit} * words_];
  for (std::size_t word = 0; word < words_; ++word)
    for (std::uint64_t bits = partners[word] & idle_[word]; bits != 0; bits &= bits - 1) {
      const auto other = static_cast<std::uint32_t>(word * 64) + static_cast<std::uint32_t>(std::countr_zero(bits));
      if (!best || comes_first(other, *best)) best = other;
    }
  if (best) return best;
  const std::size_t inside = between(unit, unit);
  return begin_[inside] != end_[inside] ? std::optional(unit) : std::nullopt;
}

void Dispatcher::start(std::uint32_t a, std::uint32_t b, Random* random) {
  const std::size_t pair = between(a, b);
  const bool shorter = random != nullptr && end_[pair] - begin_[pair] > 1 && random->unit() < shorter_first_;
  const std::uint32_t job = jobs_[shorter ? begin_[pair]++ : --end_[pair]];
  order_.push_back(job);
  if (a != b && begin_[pair] == end_[pair]) {
    partners_[std::size_t{a} * words_ + b / 64] &= ~bit_of(b);
    partners_[std::size_t{b} * words_ + a / 64] &= ~bit_of(a);
  }
  for (const std::uint32_t unit : {a, b}) idle_[unit / 64] &= ~bit_of(unit);
  occupy(a, lengths_[job]);
  if (a != b) occupy(b, lengths_[job]);
}

void Dispatcher::occupy(std::uint32_t unit, std::int64_t length) {
  left_[unit] -= length;
  rank_[unit] = static_cast<double>(left_[unit]) * weights_[unit];
  ends_.emplace(now_ + length, unit);
}

}  // namespace sonde
