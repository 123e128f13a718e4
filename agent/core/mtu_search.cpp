#include "agent/core/mtu_search.h"

#include <algorithm>
#include <utility>

namespace sonde {
namespace {

using std::chrono::milliseconds;

constexpr unsigned large_where_all_is_well = 3;
constexpr unsigned large_where_it_loses = 6;
/// Between two long probes lies at least this and a round trip: where the first arrives the second is not sent, and
/// what carries 200 kbit/s has passed one on before the next comes, so that a look drops nobody's packets.
constexpr nanoseconds between_large = milliseconds(60);
/// Long probes take longer than small ones, and the wait must not be the clock's grain.
constexpr nanoseconds least_wait = milliseconds(150);

}  // namespace

MtuSearch::MtuSearch(const Plan& plan) : plan_(plan), low_(plan.least), high_(plan.most), size_(plan.most) {
  if (plan_.most <= plan_.least) {
    known_ = plan_.most == plan_.least;
    done_ = true;
  }
  if (!plan_.counts) stage_ = Stage::send_large;
}

unsigned MtuSearch::large_in_a_try() const { return plan_.lossy ? large_where_it_loses : large_where_all_is_well; }

std::optional<std::uint32_t> MtuSearch::next(MonoTime now, std::uint32_t sequence) {
  if (done_) return std::nullopt;
  if (stage_ == Stage::wait_large && now >= wait_until_) {
    if (!plan_.counts)
      vanished();
    else
      stage_ = Stage::count_again;
    wait_until_ = MonoTime::min();
    if (done_) return std::nullopt;
  }
  if (stage_ == Stage::send_large) {
    if (now < wait_until_) return std::nullopt;
    large_.insert(sequence);
    wait_until_ = now + std::min(plan_.rtt, plan_.timeout) + between_large;
    if (++sent_in_try_ >= large_in_a_try()) {
      stage_ = Stage::wait_large;
      wait_until_ = now + std::clamp(2 * plan_.rtt + least_wait, least_wait, std::max(plan_.timeout, least_wait));
    }
    return size_;
  }
  if (stage_ == Stage::wait_large || now < wait_until_) return std::nullopt;
  if (small_.size() >= most_unanswered) {
    give_up("small probes are not answered any more");
    return std::nullopt;
  }
  small_.insert(sequence);
  wait_until_ = now + plan_.timeout;
  return plan_.least;
}

void MtuSearch::try_size(std::uint32_t octets) {
  size_ = octets;
  sent_in_try_ = 0;
  large_.clear();
  stage_ = plan_.counts && !counted_ ? Stage::count_first : Stage::send_large;
  wait_until_ = MonoTime::min();
}

/// Others of this size may arrive, too: what the reflector has counted so far is no base for the next size.
void MtuSearch::forget_count() {
  counted_.reset();
  small_.clear();
}

void MtuSearch::on_answer(const TraceAnswer& answer) {
  if (done_) return;
  if (answer.kind == TraceAnswer::Kind::too_big) return on_too_big(answer);
  if (answer.kind != TraceAnswer::Kind::reply || !answer.sequence) return;
  if (large_.contains(*answer.sequence)) {
    forget_count();
    return arrived(size_);
  }
  if (small_.contains(*answer.sequence)) on_small_reply(answer);
}

void MtuSearch::on_small_reply(const TraceAnswer& answer) {
  // Those sent before it, and not answered, may have arrived, too.
  const auto unanswered =
      static_cast<std::uint32_t>(std::ranges::count_if(small_, [&](std::uint32_t s) { return s < *answer.sequence; }));
  const auto before = std::exchange(counted_, answer.reflector_sequence);
  small_.clear();
  wait_until_ = MonoTime::min();
  if (stage_ == Stage::count_first) return try_size(size_);
  if (stage_ != Stage::count_again) return;
  const std::uint32_t between = before ? answer.reflector_sequence - *before - 1 : ~std::uint32_t{0};
  const bool possible = between <= large_.size() + unanswered;  // else it began anew, or the counts are of another
  if (possible && between == 0) return vanished();
  if (possible && between > unanswered) return arrived(size_);
  if (++repeats_ > most_repeats) return give_up("too much loss to tell which sizes arrive");
  try_size(size_);
}

void MtuSearch::on_too_big(const TraceAnswer& answer) {
  if (answer.sequence && !large_.contains(*answer.sequence)) return;
  if (!answer.sequence && answer.mtu >= size_) return;  // a second word about the size before
  if (!answer.from.empty()) told_by_ = answer.from;
  silent_above_ = false;
  forget_count();
  const std::uint32_t told = answer.mtu > low_ && answer.mtu < size_ ? answer.mtu : size_ - 1;
  high_ = std::min(high_, told);
  repeats_ = 0;
  if (high_ <= low_) {
    known_ = done_ = true;
    return;
  }
  try_size(answer.mtu == told ? told : low_ + (high_ - low_ + 1) / 2);
}

void MtuSearch::arrived(std::uint32_t octets) {
  low_ = std::max(low_, octets);
  repeats_ = 0;
  confirmed_ = true;
  if (low_ >= high_) {
    known_ = done_ = true;
    return;
  }
  try_size(low_ + (high_ - low_ + 1) / 2);
}

void MtuSearch::vanished() {
  repeats_ = 0;
  if (!std::exchange(confirmed_, true)) return try_size(size_);
  high_ = size_ - 1;
  silent_above_ = true;
  if (low_ >= high_) {
    known_ = done_ = true;
    return;
  }
  try_size(low_ + (high_ - low_ + 1) / 2);
}

void MtuSearch::give_up(std::string why) {
  trouble_ = std::move(why);
  done_ = true;
}

}  // namespace sonde
