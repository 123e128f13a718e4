// The thread that times TCP handshakes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <variant>

#include "shared/base/endpoint.h"
#include "shared/base/time.h"
#include "shared/io/fd.h"
#include "shared/io/mailbox.h"

namespace sonde::io {

struct ConnectJob {
  std::uint64_t id = 0;
  Endpoint target;
  std::optional<IpAddress> source;
  nanoseconds timeout{0};
};

struct ConnectDone {
  std::uint64_t id = 0;
  int error = 0;  ///< errno; 0: established
  Now started;    ///< of connect()
  Now finished;
  std::uint32_t syn_retransmits = 0;
  nanoseconds kernel_rtt{0};  ///< 0: none
};

/// Jobs go in through give(), every one comes out once in `done`. After its reading a connection is reset.
class ConnectThread {
 public:
  static constexpr std::size_t max_jobs = 1024;

  explicit ConnectThread(std::shared_ptr<Mailbox<ConnectDone>> done);
  ~ConnectThread();
  ConnectThread(const ConnectThread&) = delete;
  ConnectThread& operator=(const ConnectThread&) = delete;

  /// False: too many are waiting.
  bool give(const ConnectJob& job) { return jobs_.push(job); }

 private:
  struct Stop {};
  struct Flight {
    ConnectDone done;
    Fd socket;
    MonoTime deadline;
  };

  void run();
  void begin(const ConnectJob& job);
  void end(Flight& flight, int error, const Now& now);
  void on_ready(int fd, const Now& now);
  void expire(const Now& now);
  int wait_ms(MonoTime now) const;

  std::shared_ptr<Mailbox<ConnectDone>> done_;
  Mailbox<std::variant<ConnectJob, Stop>> jobs_{max_jobs};
  Fd epoll_;
  std::map<int, Flight> flights_;
  std::jthread thread_;
};

}  // namespace sonde::io
