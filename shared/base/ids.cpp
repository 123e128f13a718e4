#include "shared/base/ids.h"

#include <fmt/format.h>

#include <algorithm>

#include "shared/base/limits.h"

namespace sonde {

Expected<SiteId> SiteId::parse(std::string_view name) {
  const auto label_char = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  const bool good = !name.empty() && name.size() <= limits::site_name_length && std::ranges::all_of(name, label_char) &&
                    name.front() != '-' && name.back() != '-';
  if (!good)
    return fail(fmt::format("'{}' is not a site name; use 1 to {} characters of a-z, 0-9 and '-', not '-' at an end",
                            name.substr(0, 80), limits::site_name_length));
  return SiteId(std::string(name));
}

SiteId SiteId::known(std::string_view name) {
  auto site = parse(name);
  SONDE_ASSERT(site.has_value());
  return *std::move(site);
}

std::string RunId::str() const { return fmt::format("{}-{:016x}-{}", from.str(), spool, seq); }

}  // namespace sonde
