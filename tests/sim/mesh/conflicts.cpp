#include "tests/sim/mesh/conflicts.h"

#include <fmt/format.h>

#include <algorithm>

namespace sonde::sim {

void Conflicts::begin(std::uint64_t flow, const Link& link, SharedTime true_time, const std::string& note) {
  const auto pair = places_.of(link);
  if (!pair) return;
  const std::string what = fmt::format("{}->{} ({})", link.from.str(), link.to.str(), note);
  ++flows_;
  for (const std::uint32_t place : {pair->from, pair->to}) {
    for (const User& other : users_[place])
      if (other.flow != flow)
        found_.push_back(
            fmt::format("{}: {} and {} at {}", format_rfc3339(true_time), other.what, what, places_.name(place)));
    users_[place].push_back({flow, what});
    if (pair->from == pair->to) break;
  }
}

void Conflicts::end(std::uint64_t flow) {
  bool known = false;
  for (std::vector<User>& users : users_)
    known = std::erase_if(users, [&](const User& user) { return user.flow == flow; }) > 0 || known;
  if (known) --flows_;
}

}  // namespace sonde::sim
