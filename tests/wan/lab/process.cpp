#include "tests/wan/lab/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <system_error>
#include <thread>

#include "shared/base/error.h"

namespace sonde::lab {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void fail_attempt(const std::string& attempt) {
  throw std::system_error(errno, std::generic_category(), attempt);
}

struct Pipe {
  io::Fd read;
  io::Fd write;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) < 0) fail_attempt("making a pipe");
  return {.read = io::Fd(ends[0]), .write = io::Fd(ends[1])};
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> out;
  for (std::string& word : words) out.push_back(word.data());
  out.push_back(nullptr);
  return out;
}

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

}  // namespace

Process::Process(ProcessSpec spec) : spec_(std::move(spec)) {
  Pipe in;
  Pipe out;
  if (spec_.talks) {
    in = make_pipe();
    out = make_pipe();
  }
  io::Fd netns;
  if (!spec_.netns.empty()) {
    netns = io::Fd(::open(("/run/netns/" + spec_.netns).c_str(), O_RDONLY | O_CLOEXEC));
    if (!netns) fail_attempt("opening network namespace " + spec_.netns);
  }
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) fail_attempt("starting " + spec_.name);
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);  // it died before we asked
    become(in.read.get(), out.write.get(), netns.get());
  }
  to_ = std::move(in.write);
  from_ = std::move(out.read);
}

void Process::become(int input, int output, int netns) {
  ::setpgid(0, 0);
  for (const int number : {SIGINT, SIGTERM, SIGPIPE, SIGHUP}) std::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (netns >= 0 && ::setns(netns, CLONE_NEWNET) < 0) ::_exit(126);
  if (!spec_.folder.empty() && ::chdir(spec_.folder.c_str()) < 0) ::_exit(126);
  const char* log = spec_.log.empty() ? "/dev/null" : spec_.log.c_str();
  const int log_fd = ::open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  const int null_fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (log_fd < 0 || null_fd < 0) ::_exit(126);
  ::dup2(input >= 0 ? input : null_fd, STDIN_FILENO);
  ::dup2(output >= 0 ? output : log_fd, STDOUT_FILENO);
  ::dup2(log_fd, STDERR_FILENO);
  ::unsetenv("NOTIFY_SOCKET");
  ::unsetenv("LISTEN_FDS");
  if (spec_.listen_fd >= 0) {
    if (spec_.listen_fd == 3) {
      ::fcntl(3, F_SETFD, 0);
    } else {
      ::dup2(spec_.listen_fd, 3);
    }
    ::setenv("LISTEN_FDS", "1", 1);
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
  }
  ::execvp(spec_.argv[0].c_str(), pointers(spec_.argv).data());
  ::dprintf(STDERR_FILENO, "cannot execute %s: %s\n", spec_.argv[0].c_str(), std::strerror(errno));
  ::_exit(127);
}

Process::~Process() { kill_now(); }

bool Process::running() {
  if (pid_ <= 0 || exit_code_) return false;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) == pid_) exit_code_ = code_of(status);
  return !exit_code_;
}

std::optional<int> Process::exit_code() {
  running();
  return exit_code_;
}

void Process::signal(int number) {
  if (running()) ::kill(pid_, number);
}

bool Process::wait(milliseconds limit) {
  const auto until = Clock::now() + limit;
  while (running()) {
    if (Clock::now() >= until) return false;
    std::this_thread::sleep_for(milliseconds(2));
  }
  return true;
}

void Process::kill_now() {
  if (pid_ <= 0) return;
  signal(SIGKILL);
  wait(milliseconds(5000));
  pid_ = -1;
}

void Process::say(const std::string& line) {
  SONDE_ASSERT(spec_.talks);
  const std::string text = line + '\n';
  if (::write(to_.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    fail_attempt("speaking to " + spec_.name);
}

std::optional<std::string> Process::hear(milliseconds limit) {
  SONDE_ASSERT(spec_.talks);
  const auto until = Clock::now() + limit;
  while (true) {
    if (const auto end = heard_.find('\n'); end != heard_.npos) {
      const std::string line = heard_.substr(0, end);
      heard_.erase(0, end + 1);
      return line;
    }
    const auto left = std::chrono::duration_cast<milliseconds>(until - Clock::now());
    pollfd ready{.fd = from_.get(), .events = POLLIN, .revents = 0};
    if (left.count() <= 0 || ::poll(&ready, 1, static_cast<int>(left.count())) <= 0) return std::nullopt;
    std::array<char, 4096> chunk{};
    const auto got = ::read(from_.get(), chunk.data(), chunk.size());
    if (got <= 0) return std::nullopt;
    heard_.append(chunk.data(), static_cast<std::size_t>(got));
  }
}

Output run(const std::vector<std::string>& argv, const std::string& input, const std::filesystem::path& folder,
           std::chrono::seconds limit) {
  // Files and not pipes: nothing can block, whatever the sizes.
  std::string pattern = (std::filesystem::temp_directory_path() / "sonde-run-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) fail_attempt("making a folder for the output of " + argv.at(0));
  const std::filesystem::path box(pattern);
  std::ofstream(box / "in") << input;
  const auto quoted = [](const std::filesystem::path& path) { return "'" + path.string() + "'"; };
  std::vector<std::string> words{
      "sh", "-c",
      fmt::format("exec \"$0\" \"$@\" <{} >{} 2>{}", quoted(box / "in"), quoted(box / "out"), quoted(box / "err"))};
  words.insert(words.end(), argv.begin(), argv.end());
  Process process({.name = argv[0], .argv = words, .netns = {}, .folder = folder, .log = box / "log"});
  process.wait(limit);
  process.kill_now();
  const auto text = [&](const char* name) {
    std::ostringstream out;
    out << std::ifstream(box / name).rdbuf();
    return out.str();
  };
  Output output{.code = process.exit_code().value_or(-1), .out = text("out"), .err = text("err")};
  std::filesystem::remove_all(box);
  return output;
}

}  // namespace sonde::lab
