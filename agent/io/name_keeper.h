// The addresses of the members that are known by name: looked up now and every few minutes. What was known stays in use
// until something else is known.
#pragma once

#include <functional>
#include <vector>

#include "agent/core/prober.h"
#include "agent/io/resolver.h"
#include "shared/base/event.h"
#include "shared/base/time.h"
#include "shared/schedule/timetable.h"

namespace sonde::io {

/// Used on the loop's thread. The resolver and whatever `doors` refer to must outlive the loop.
class NameKeeper {
 public:
  static constexpr nanoseconds every = std::chrono::minutes(5);
  /// After a look-up that found nothing.
  static constexpr nanoseconds again = std::chrono::seconds(10);
  static constexpr nanoseconds timeout = std::chrono::seconds(5);

  struct Doors {
    std::function<void()> changed;  ///< a name has other addresses than before
    std::function<void(const Event&)> event;
  };

  NameKeeper(Resolver& resolver, Doors doors) : resolver_(&resolver), doors_(std::move(doors)) {}
  NameKeeper(const NameKeeper&) = delete;
  NameKeeper& operator=(const NameKeeper&) = delete;

  /// Their names are looked up at the next tick.
  void set_members(std::vector<Member> members);
  /// About once a second.
  void tick(MonoTime now);
  /// The same object always.
  const AddressBook& book() const { return book_; }

 private:
  void on_answer(const std::string& name, const Resolution& resolution);

  Resolver* resolver_;
  Doors doors_;
  std::vector<Member> members_;
  AddressBook book_;
  MonoTime next_{};
};

}  // namespace sonde::io
