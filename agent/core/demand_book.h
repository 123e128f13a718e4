// Runs that somebody asked for: the orders that wait for their instant, those under way, and which result is theirs.
// Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/measure/result.h"
#include "shared/wire/messages.h"

namespace sonde {

class DemandBook {
 public:
  /// Orders that wait or are under way; one more is answered with a skipped result.
  static constexpr std::size_t most_orders = 64;
  static constexpr nanoseconds progress_every = std::chrono::milliseconds(500);
  /// An order is given out this long before its start: who carries it out keeps the instant itself where it can.
  static constexpr nanoseconds latency_lead = std::chrono::milliseconds(100);
  /// After its end a run without a result is forgotten.
  static constexpr nanoseconds patience = std::chrono::seconds(60);

  struct Out {
    std::vector<wire::RunOrder> begin;    ///< start these now (latency: at order.start)
    std::vector<Result> skipped;          ///< orders that cannot be carried out any more
    std::vector<wire::Message> messages;  ///< to the coordinator
  };

  explicit DemandBook(SiteId self) : self_(std::move(self)) {}

  void on_order(SharedTime now, const wire::RunOrder& order, Out& out);
  /// `bytes`: user data of the present throughput run, where somebody knows.
  void tick(SharedTime now, std::uint64_t bytes, Out& out);
  /// Marks the result where it belongs to an order, which is then done. Every result of this agent passes through here.
  void on_result(Result& result);
  /// When to tick again; max where nothing is ordered.
  SharedTime next() const;

 private:
  enum class Stage : std::uint8_t { waiting, under_way, done };
  struct Entry {
    wire::RunOrder order;
    Stage stage = Stage::waiting;
    SharedTime told;  ///< when the coordinator was told of its progress last
  };

  Entry* find(std::uint64_t id);
  Result skipped(const wire::RunOrder& order, SharedTime now, std::string reason) const;
  void begin_or_skip(Entry& entry, SharedTime now, Out& out) const;

  SiteId self_;
  std::deque<Entry> entries_;  ///< in the order in which they came
};

}  // namespace sonde
