// Carries out what coordinator/core/notify decides: HTTP, SMTP (libcurl) and commands, many at a time on one thread, so
// that a receiver that hangs holds up neither the loop nor another receiver.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "coordinator/core/notify.h"
#include "shared/io/mailbox.h"

namespace sonde::io {

struct DeliveryReport {
  std::uint64_t number = 0;  ///< Delivery::number
  std::string trouble;       ///< empty: the receiver took it
};

/// All methods are for the loop's thread. The destructor breaks off what is under way: it is told again after a start.
class Notifier {
 public:
  /// A receiver has at most one delivery under way, and a configuration at most some hundred receivers.
  static constexpr std::size_t most_under_way = 1000;
  static constexpr auto connect_limit = std::chrono::seconds(5);
  static constexpr auto whole_limit = std::chrono::seconds(20);

  Notifier();
  ~Notifier();
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  /// False, and nothing is sent, where too much is under way.
  bool send(Delivery delivery);
  std::vector<DeliveryReport> take() { return reports_.take_all(); }

 private:
  class Worker;

  Mailbox<Delivery> jobs_{most_under_way + 1};  ///< a delivery without a number: stop
  Mailbox<DeliveryReport> reports_{2 * most_under_way};
  std::thread thread_;
};

}  // namespace sonde::io
