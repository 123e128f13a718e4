// Reads what is usual in an hour of the week from the store, on a thread of its own: a large mesh has a million links.
#pragma once

#include <atomic>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "coordinator/core/baseline.h"
#include "shared/base/ids.h"
#include "shared/base/limits.h"
#include "shared/base/time.h"
#include "shared/io/mailbox.h"

namespace sonde::io {

class BaselineReader {
 public:
  struct Order {
    SharedTime hour;  ///< its beginning
    std::vector<SiteId> sites;
  };
  /// Of the links of one site; of an hour the last one is `last`.
  struct Piece {
    SharedTime hour;
    SiteId from;
    std::vector<std::pair<SiteId, HourBaseline>> links;
    bool last = false;
    std::string trouble;  ///< why the hour could not be read; then it is the last
  };

  /// The store must exist.
  explicit BaselineReader(std::filesystem::path store);
  ~BaselineReader();
  BaselineReader(const BaselineReader&) = delete;
  BaselineReader& operator=(const BaselineReader&) = delete;

  /// False where earlier ones are not done yet.
  bool order(Order order) { return orders_.push(std::move(order)); }
  std::vector<Piece> take() { return pieces_.take_all(); }

 private:
  static constexpr std::size_t most_orders = 2;

  void run();
  void read(const Order& order);

  std::filesystem::path store_;
  Mailbox<Order> orders_{most_orders};
  Mailbox<Piece> pieces_{(most_orders + 1) * (limits::sites + 1)};
  Fd stop_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace sonde::io
