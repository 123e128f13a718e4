// A TUN device inside a network namespace.
#pragma once

#include <string>
#include <vector>

#include "shared/base/endpoint.h"
#include "shared/io/fd.h"

namespace sonde::wan {

/// Makes the device `name` in the namespace /run/netns/NETNS, gives it the addresses (IPv4 /24, IPv6 /64), and brings
/// it up. The descriptor does not block; reads and writes are one IP packet each. The device lives as long as the
/// descriptor. Throws std::system_error ("attempt: reason").
io::Fd open_tun(const std::string& netns, const std::string& name, const std::vector<IpAddress>& addresses);

}  // namespace sonde::wan
