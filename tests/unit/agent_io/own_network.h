// A thread in a network (and mount) namespace of its own: ports, counters and name servers that nobody else touches.
#pragma once

#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include "shared/io/fd.h"

namespace sonde::test {

inline bool bring_loopback_up() {
  const io::Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  if (::ioctl(socket.get(), SIOCGIFFLAGS, &request) != 0) return false;
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  return ::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0;
}

/// What `work` starts (threads too) lives in there. Says `skipped: why` where it may not be made.
inline void in_own_network(const std::function<void()>& work) {
  std::thread([&] {
    if (::unshare(CLONE_NEWNET | CLONE_NEWNS) != 0 || !bring_loopback_up()) {
      std::printf("skipped: no network namespace can be made: %s\n", std::strerror(errno));
      return;
    }
    work();
  }).join();
}

/// The value of "tw 0" and the like in the TCP line of this thread's /proc/net/sockstat; -1 where there is none.
inline int tcp_sockets(const std::string& kind) {
  std::ifstream in("/proc/thread-self/net/sockstat");
  for (std::string word; in >> word;) {
    if (word != "TCP:") continue;
    int value = 0;
    while (in >> word >> value)
      if (word == kind) return value;
    return -1;
  }
  return -1;
}

}  // namespace sonde::test
