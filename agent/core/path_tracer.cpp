#include "agent/core/path_tracer.h"

#include <algorithm>

namespace sonde {

std::optional<TraceProbe> PathTracer::tick(MonoTime now) {
  if (done_) return std::nullopt;
  if (now >= ends_) {
    cut_short_ = done_ = true;
    return std::nullopt;
  }
  if (!mtu_ && hops_.done(now)) begin_mtu();
  paced_ = now < not_before_;
  if (done_ || paced_) return std::nullopt;
  TraceProbe probe{.sequence = sequence_, .ttl = HopSearch::far_ttl, .octets = plan_.least};
  if (mtu_) {
    const auto octets = mtu_->next(now, sequence_);
    done_ = mtu_->done();
    if (!octets) return std::nullopt;
    probe.octets = *octets;
  } else {
    const auto ttl = hops_.next(now, sequence_);
    if (!ttl) return std::nullopt;
    probe.ttl = *ttl;
  }
  ++sequence_;
  not_before_ = now + pace;
  return probe;
}

/// Without a reply to small probes nothing can be said of larger ones.
void PathTracer::begin_mtu() {
  if (!hops_.reached() || plan_.interface_mtu == 0) {
    done_ = true;
    return;
  }
  mtu_.emplace(MtuSearch::Plan{.least = plan_.least,
                               .most = std::max(plan_.interface_mtu, plan_.least),
                               .counts = plan_.counts,
                               .lossy = hops_.far_answered() < hops_.far_sent(),
                               .rtt = hops_.rtt().value_or(timeout),
                               .timeout = timeout});
  done_ = mtu_->done();
}

void PathTracer::on_answer(const TraceAnswer& answer) {
  if (!mtu_) return hops_.on_answer(answer);
  mtu_->on_answer(answer);
  done_ = done_ || mtu_->done();
}

MonoTime PathTracer::next_deadline() const {
  if (done_) return MonoTime::max();
  if (paced_) return std::min(ends_, not_before_);
  return std::min(ends_, mtu_ ? mtu_->next_deadline() : hops_.next_deadline());
}

void PathTracer::fill(PathTrace& trace) const {
  trace.hops = hops_.hops();
  trace.reached = hops_.reached();
  trace.sent = hops_.far_sent();
  trace.answered = hops_.far_answered();
  if (mtu_) {
    trace.mtu = mtu_->mtu();
    trace.mtu_told_by = mtu_->told_by();
    trace.mtu_black_hole = mtu_->black_hole();
  }
  if (!trace.trouble.empty()) return;
  if (cut_short_)
    trace.trouble = "there was no time for more";
  else if (mtu_)
    trace.trouble = mtu_->trouble();
}

}  // namespace sonde
