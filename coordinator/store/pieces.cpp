#include "coordinator/store/pieces.h"

#include <algorithm>

namespace sonde::store {
namespace {

std::int64_t floor_to(std::int64_t ns, std::int64_t span) {
  const std::int64_t rest = ns % span;
  return ns - (rest < 0 ? rest + span : rest);
}

class Planner {
 public:
  explicit Planner(const Kept& kept) : kept_(kept) {}

  void fill(RollLevel level, std::int64_t begin, std::int64_t end) {
    if (begin >= end) return;
    if (level == RollLevel::raw) return add({level, begin, end});
    const std::int64_t span = span_of(level).count();
    const auto finer = static_cast<RollLevel>(static_cast<int>(level) - 1);
    const std::int64_t last = floor_to(end, span);
    const bool fine_begin = floor_to(begin, span) == begin || is_kept(finer, begin);
    const bool fine_end = last == end || is_kept(finer, std::max(last, begin));
    const std::int64_t first =
        fine_begin && floor_to(begin, span) != begin ? floor_to(begin, span) + span : floor_to(begin, span);
    if (first >= last) {
      if (fine_begin && fine_end) return fill(finer, begin, end);
      return add({level, floor_to(begin, span), floor_to(begin, span) + span});
    }
    fill(finer, begin, first);
    add({level, first, last});
    if (fine_end) fill(finer, last, end);
  }

  std::vector<Piece> take() && { return std::move(pieces_); }

 private:
  bool is_kept(RollLevel level, std::int64_t ns) const { return ns >= kept_.at(static_cast<std::size_t>(level)); }
  void add(const Piece& piece) { pieces_.push_back(piece); }

  const Kept& kept_;
  std::vector<Piece> pieces_;
};

}  // namespace

RollLevel finest_at(std::int64_t ns, const Kept& kept) {
  for (const RollLevel level : {RollLevel::raw, RollLevel::minute})
    if (ns >= kept.at(static_cast<std::size_t>(level))) return level;
  return RollLevel::hour;
}

std::vector<Piece> pieces_of(std::int64_t since, std::int64_t until, const Kept& kept, RollLevel coarsest) {
  Planner planner(kept);
  // A window that reaches from what is kept coarsely into what is kept finely is fine where it can be.
  std::int64_t begin = since;
  for (RollLevel level = finest_at(begin, kept); level > coarsest && begin < until;) {
    const auto finer = static_cast<RollLevel>(static_cast<int>(level) - 1);
    const std::int64_t span = span_of(level).count();
    const std::int64_t border = kept.at(static_cast<std::size_t>(finer));
    // From `border` on the finer level is complete; the piece that holds it still comes out of this one.
    const std::int64_t next = floor_to(border, span) == border ? border : floor_to(border, span) + span;
    const std::int64_t end = std::min(until, std::max(next, begin));
    planner.fill(level, begin, end);
    begin = end == until ? until : end;
    level = finer;
  }
  planner.fill(coarsest, begin, until);
  return std::move(planner).take();
}

}  // namespace sonde::store
