#include "tests/wan/lab/namespaces.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include "tests/wan/lab/process.h"

namespace sonde::lab {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view namespace_stem = "sonde-";
constexpr std::string_view folder_stem = "sonde-lab-";

void ip(const std::vector<std::string>& options, const std::string& commands) {
  std::vector<std::string> argv{"ip"};
  argv.insert(argv.end(), options.begin(), options.end());
  argv.insert(argv.end(), {"-batch", "-"});
  const Output done = run(argv, commands);
  if (done.code != 0) throw std::runtime_error(fmt::format("ip: {}", done.err.empty() ? "failed" : done.err));
}

/// The pid in "STEM123" or "STEM123-...".
std::optional<int> pid_in(std::string_view name, std::string_view stem) {
  if (!name.starts_with(stem)) return std::nullopt;
  name.remove_prefix(stem.size());
  int pid = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
  if (error != std::errc() || (end != name.data() + name.size() && *end != '-')) return std::nullopt;
  return pid;
}

bool gone(int pid) { return ::kill(pid, 0) != 0 && errno == ESRCH; }

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) names.push_back(entry.path().filename());
  return names;
}

[[noreturn]] void guard(int line, const std::string& prefix, const std::string& folder) {
  ::setsid();
  ::prctl(PR_SET_NAME, "sonde-guardian");
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) std::signal(number, SIG_IGN);
  const int nowhere = ::open("/dev/null", O_RDWR);
  for (const int fd : {0, 1, 2})
    if (nowhere >= 0) ::dup2(nowhere, fd);
  for (int fd = 3; fd < 1024; ++fd)
    if (fd != line) ::close(fd);
  char word = 0;
  ssize_t got = 0;
  do got = ::read(line, &word, 1);
  while (got < 0 && errno == EINTR);
  if (got <= 0) {
    remove_namespaces(prefix);
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }
  ::_exit(0);
}

}  // namespace

std::string lab_prefix(int pid) { return fmt::format("{}{}-", namespace_stem, pid); }
std::string lab_folder(int pid) { return (fs::temp_directory_path() / fmt::format("{}{}", folder_stem, pid)).string(); }

Expected<void> may_emulate() {
  if (::geteuid() != 0) return fail("network namespaces need root");
  if (::access("/dev/net/tun", R_OK | W_OK) != 0)
    return fail(fmt::format("/dev/net/tun cannot be opened: {}", std::strerror(errno)));
  const std::string probe = fmt::format("{}{}-probe", namespace_stem, ::getpid());
  try {
    if (run({"ip", "netns", "add", probe}).code != 0) return fail("ip netns add is not permitted or not installed");
    const Output tun = run({"ip", "-n", probe, "tuntap", "add", "dev", "t0", "mode", "tun"});
    run({"ip", "netns", "del", probe});
    if (tun.code != 0) return fail("TUN devices cannot be made: " + tun.err);
  } catch (const std::system_error& error) {
    return fail(error.what());
  }
  return {};
}

void make_namespaces(const std::string& prefix, const std::vector<std::string>& sites) {
  const std::string hub = prefix + "hub";
  std::string add = fmt::format("netns add {}\n", hub);
  std::string wire =
      fmt::format("link set lo up\nlink add br0 type bridge\naddr add {}/24 dev br0\nlink set br0 up\n", hub_address);
  for (std::size_t i = 0; i < sites.size(); ++i) {
    add += fmt::format("netns add {}{}\n", prefix, sites[i]);
    wire += fmt::format("link add ctl{0} type veth peer name ctl0 netns {1}{2}\nlink set ctl{0} master br0 up\n", i,
                        prefix, sites[i]);
  }
  ip({}, add);
  ip({"-n", hub}, wire);
  for (std::size_t i = 0; i < sites.size(); ++i)
    ip({"-n", prefix + sites[i]},
       fmt::format("link set lo up\naddr add 198.51.100.{}/24 dev ctl0\nlink set ctl0 up\n", 10 + i));
}

void remove_namespaces(const std::string& prefix) {
  for (const std::string& name : names_in("/run/netns"))
    if (name.starts_with(prefix)) run({"ip", "netns", "del", name});
}

void remove_leftovers() {
  for (const std::string& name : names_in("/run/netns"))
    if (const auto pid = pid_in(name, namespace_stem); pid && gone(*pid)) run({"ip", "netns", "del", name});
  for (const std::string& name : names_in(fs::temp_directory_path()))
    if (const auto pid = pid_in(name, folder_stem); pid && gone(*pid)) {
      std::error_code ignored;
      fs::remove_all(fs::temp_directory_path() / name, ignored);
    }
}

Guardian::Guardian(const std::string& prefix, const std::string& folder) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) < 0) throw std::system_error(errno, std::generic_category(), "making a pipe");
  pid_ = ::fork();
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "starting the lab's guardian");
  if (pid_ == 0) {
    ::close(ends[1]);
    guard(ends[0], prefix, folder);
  }
  ::close(ends[0]);
  line_ = ends[1];
}

Guardian::~Guardian() {
  const char dismissed = 'q';
  [[maybe_unused]] const auto told = ::write(line_, &dismissed, 1);
  ::close(line_);
  ::waitpid(pid_, nullptr, 0);
}

}  // namespace sonde::lab
