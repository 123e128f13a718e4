// Child processes of the lab: started inside a namespace, logged to a file, never left behind.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "shared/io/fd.h"

namespace sonde::lab {

struct ProcessSpec {
  std::string name;               ///< for people
  std::vector<std::string> argv;  ///< argv[0] is looked for in PATH unless it has a slash
  std::string netns;              ///< a name in /run/netns; empty: the caller's
  std::filesystem::path folder;   ///< working directory; empty: the caller's
  std::filesystem::path log;      ///< standard output and error, appended
  int listen_fd = -1;             ///< handed over as systemd hands over sockets (sd_listen_fds(3))
  bool talks = false;             ///< its standard input and output are pipes (see say() and hear())
};

/// Dies with this one (PR_SET_PDEATHSIG), whatever kills this one. Has a process group of its own, so that a Ctrl-C in
/// the terminal reaches only the lab. Not thread-safe; the thread that starts it must live as long as the child.
class Process {
 public:
  using milliseconds = std::chrono::milliseconds;

  /// Throws std::system_error where it cannot be started.
  explicit Process(ProcessSpec spec);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();  ///< SIGKILL

  const std::string& name() const { return spec_.name; }
  const std::filesystem::path& log() const { return spec_.log; }
  pid_t pid() const { return pid_; }
  bool running();
  /// After the end: the exit code, or 128 + the signal's number.
  std::optional<int> exit_code();
  void signal(int number);
  /// False where it still runs after `limit`.
  bool wait(milliseconds limit);
  void kill_now();

  /// A line to its standard input; a line from its standard output, nullopt after `limit` or at the end of it.
  void say(const std::string& line);
  std::optional<std::string> hear(milliseconds limit);

 private:
  [[noreturn]] void become(int input, int output, int netns);

  ProcessSpec spec_;
  pid_t pid_ = -1;
  std::optional<int> exit_code_;
  io::Fd to_;
  io::Fd from_;
  std::string heard_;
};

struct Output {
  int code = -1;  ///< exit code, or 128 + signal
  std::string out;
  std::string err;
};

/// Runs a program to its end, at most `limit` (then it is killed). Throws std::system_error where it cannot start.
Output run(const std::vector<std::string>& argv, const std::string& input = {},
           const std::filesystem::path& folder = {}, std::chrono::seconds limit = std::chrono::seconds(30));

}  // namespace sonde::lab
