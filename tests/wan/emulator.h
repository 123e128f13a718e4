// Carries packets between the TUN devices of the sites: waits, reads, decides (tests/wan/network.h), writes.
#pragma once

#include <string>
#include <vector>

#include "shared/io/fd.h"
#include "tests/wan/network.h"
#include "tests/wan/transit.h"

namespace sonde::wan {

/// One thread. Commands come in on standard input, one a line, and each is answered with one line on standard output.
class Emulator {
 public:
  static constexpr std::size_t longest_command = 4096;
  static constexpr int packets_per_turn =
      32;  ///< read from one site before the others and the departures get their turn

  /// Opens a TUN device `wan0` in the namespace PREFIX + site of every site. Throws std::system_error.
  Emulator(Network network, const std::string& netns_prefix);
  /// Until `quit` or the end of standard input.
  void run();

 private:
  void wait();
  void read_packets(std::size_t site);
  void write_due();
  void read_commands();

  Network network_;
  Transit transit_;
  std::vector<io::Fd> tuns_;
  io::Fd epoll_;
  std::string input_;
  bool running_ = true;
};

/// Real-time priority and locked memory, where this process may; false and the reason where it may not.
bool become_real_time(std::string& why);

}  // namespace sonde::wan
