// A range of addresses, "192.0.2.0/24": whom somebody lets in.
#pragma once

#include <string>
#include <string_view>

#include "shared/base/endpoint.h"

namespace sonde {

struct AddressPrefix {
  IpAddress address;     ///< all bits behind the prefix are zero
  unsigned length = 32;  ///< bits that count: 0 to 32 for IPv4, 0 to 128 for IPv6
  bool operator==(const AddressPrefix&) const = default;

  /// "2001:db8::/48", or one address. Refuses bits behind the prefix: 192.0.2.1/24 is a mistake somebody made.
  static Expected<AddressPrefix> parse(std::string_view text);
  bool contains(const IpAddress& other) const;
  std::string str() const;
};

}  // namespace sonde
