#include "agent/io/name_keeper.h"

#include <algorithm>
#include <string>
#include <utility>

#include "shared/io/clock.h"

namespace sonde::io {

void NameKeeper::set_members(std::vector<Member> members) {
  members_ = std::move(members);
  next_ = {};
}

void NameKeeper::tick(MonoTime now) {
  if (now < next_) return;
  next_ = now + every;
  for (const std::string& name : names_to_resolve(members_))
    resolver_->resolve(name, timeout, [this, name](const Resolution& resolution) { on_answer(name, resolution); });
}

void NameKeeper::on_answer(const std::string& name, const Resolution& resolution) {
  if (resolution.addresses.empty()) {
    next_ = std::min(next_, read_clock().mono + again);
    return doors_.event({Severity::warning, "name_not_found", {{"name", name}, {"reason", resolution.reason}}});
  }
  if (book_[name] == resolution.addresses) return;
  book_[name] = resolution.addresses;
  doors_.changed();
}

}  // namespace sonde::io
