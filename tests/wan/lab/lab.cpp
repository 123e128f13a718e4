#include "tests/wan/lab/lab.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bit>
#include <csignal>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <thread>

namespace sonde::lab {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

/// A socket bound to 127.0.0.HOST, or nothing where the port is taken.
io::Fd bound(int type, std::uint8_t host, std::uint16_t port) {
  io::Fd fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  const int yes = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(0x7f000000U + host);
  const auto generic = std::bit_cast<sockaddr>(address);
  if (::bind(fd.get(), &generic, sizeof generic) < 0) return {};
  return fd;
}

/// The first port p from 7101 on where p and p + 1 are free at every address of the lab, for TCP and UDP.
std::uint16_t free_agent_port(std::size_t sites) {
  for (std::uint16_t port = agent_port; port < 9000; port = static_cast<std::uint16_t>(port + 10)) {
    bool free = true;
    for (std::size_t i = 0; i < sites && free; ++i) {
      const auto host = static_cast<std::uint8_t>(11 + i);
      const auto next = static_cast<std::uint16_t>(port + 1);
      free = bound(SOCK_DGRAM, host, port) && bound(SOCK_STREAM, host, port) && bound(SOCK_STREAM, host, next);
    }
    if (free) return port;
  }
  throw std::runtime_error("no free ports from 7101 to 9000");
}

std::uint16_t port_of(const io::Fd& fd) {
  sockaddr_in address{};
  auto generic = std::bit_cast<sockaddr>(address);
  socklen_t size = sizeof generic;
  if (::getsockname(fd.get(), &generic, &size) < 0)
    throw std::system_error(errno, std::generic_category(), "asking a socket for its port");
  return ntohs(std::bit_cast<sockaddr_in>(generic).sin_port);
}

}  // namespace

bool eventually(std::chrono::milliseconds limit, const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(50ms);
  }
  return true;
}

Lab::Lab(LabSpec spec)
    : spec_(std::move(spec)),
      prefix_(lab_prefix(::getpid()) + (spec_.second.empty() ? "" : spec_.second + "-")),
      folder_(lab_folder(::getpid()) + (spec_.second.empty() ? "" : "-" + spec_.second)),
      programs_(fs::read_symlink("/proc/self/exe").parent_path()) {
  std::signal(SIGPIPE, SIG_IGN);
  remove_leftovers();
  guardian_ = std::make_unique<Guardian>(prefix_, folder_);
  open_http(spec_.http_port);
  if (spec_.ground == Ground::loopback) {
    const auto control = port_of(bound(SOCK_STREAM, 1, 0));
    spec_.files = on_loopback(spec_.files, control, free_agent_port(spec_.files.agents.size()));
  }
  write_files();
  make_keys();
  if (spec_.ground == Ground::wan) start_wan();
}

Lab::~Lab() {
  processes_.clear();
  try {
    remove_namespaces(prefix_);
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  } catch (const std::exception& error) {
    fmt::print(stderr, "lab: {}\n", error.what());
  }
}

void Lab::open_http(std::uint16_t wanted) {
  http_ = bound(SOCK_STREAM, 1, wanted);
  if (!http_) http_ = bound(SOCK_STREAM, 1, 0);
  if (!http_ || ::listen(http_.get(), SOMAXCONN) < 0)
    throw std::system_error(errno, std::generic_category(), "listening on 127.0.0.1");
  http_port_ = port_of(http_);
}

void Lab::write_files() {
  fs::remove_all(folder_);
  fs::create_directories(folder_ / "keys" / "agents");
  const auto write = [&](const std::string& name, const std::string& text) {
    std::ofstream(folder_ / (name + ".yaml")) << text;
  };
  const bool has_tokens = spec_.files.coordinator.find("\ntokens:") != std::string::npos;
  if (!has_tokens) spec_.files.coordinator += "\ntokens: [{name: lab, file: keys/lab.token}]\n";
  write("coordinator", spec_.files.coordinator);
  std::random_device device;
  std::ofstream(token_file()) << fmt::format("{:08x}{:08x}{:08x}{:08x}\n", device(), device(), device(), device());
  write("wan", spec_.files.wan);
  for (const auto& [site, text] : spec_.files.agents) write(site, text);
}

fs::path Lab::token_file() const { return folder_ / "keys" / "lab.token"; }

void Lab::make_key(const std::string& name) {
  const Output done = run({program("sonde"), "keygen", name}, {}, folder_ / "keys");
  if (done.code != 0) throw std::runtime_error("sonde keygen: " + done.err);
}

void Lab::make_keys() {
  make_key("coordinator");
  for (const std::string& site : sites()) {
    make_key(site);
    fs::rename(folder_ / "keys" / (site + ".public"), folder_ / "keys" / "agents" / (site + ".public"));
  }
}

void Lab::start_wan() {
  std::vector<std::string> places;
  for (const auto& [site, address] : sites_of(spec_.files)) places.push_back(site);
  make_namespaces(prefix_, places);
  auto emulator = std::make_unique<Process>(
      ProcessSpec{.name = "wan",
                  .argv = {program("sonde-wan"), "--topology", "wan.yaml", "--prefix", prefix_},
                  .netns = {},
                  .folder = folder_,
                  .log = folder_ / "wan.log",
                  .talks = true});
  const auto ready = emulator->hear(10s);
  processes_["wan"] = std::move(emulator);
  if (ready != "ready") throw std::runtime_error("sonde-wan did not start: " + log_tail("wan"));
}

fs::path Lab::program(const std::string& name) const {
  const fs::path found = programs_ / name;
  if (!fs::exists(found)) throw std::runtime_error(found.string() + " is missing; build it first");
  return found;
}

std::vector<std::string> Lab::sites() const {
  std::vector<std::string> names;
  for (const auto& [site, text] : spec_.files.agents) names.push_back(site);
  return names;
}

std::string Lab::netns(const std::string& site) const { return spec_.ground == Ground::wan ? prefix_ + site : ""; }

void Lab::start_coordinator() {
  processes_.erase("coordinator");
  processes_["coordinator"] =
      std::make_unique<Process>(ProcessSpec{.name = "coordinator",
                                            .argv = {program("sonde-coordinator"), "--config", "coordinator.yaml"},
                                            .netns = netns("hub"),
                                            .folder = folder_,
                                            .log = folder_ / "coordinator.log",
                                            .listen_fd = http_.get()});
}

void Lab::start_agent(const std::string& site) { start_agent_with(site, site, site + ".yaml"); }

void Lab::start_agent_with(const std::string& name, const std::string& site, const std::string& file) {
  processes_.erase(name);
  processes_[name] = std::make_unique<Process>(ProcessSpec{.name = name,
                                                           .argv = {program("sonde-agent"), "--config", file},
                                                           .netns = netns(site),
                                                           .folder = folder_,
                                                           .log = folder_ / (name + ".log")});
}

void Lab::start_all() {
  start_coordinator();
  for (const std::string& site : sites()) start_agent(site);
}

Process& Lab::process(const std::string& name) {
  const auto found = processes_.find(name);
  SONDE_ASSERT(found != processes_.end());
  return *found->second;
}

int Lab::stop(const std::string& name, std::chrono::milliseconds limit) {
  Process& stopped = process(name);
  stopped.signal(SIGTERM);
  if (!stopped.wait(limit)) stopped.signal(SIGKILL);
  stopped.wait(5s);
  const int code = stopped.exit_code().value_or(-1);
  processes_.erase(name);
  return code;
}

void Lab::kill(const std::string& name) {
  process(name).kill_now();
  processes_.erase(name);
}

std::optional<std::string> Lab::fallen() {
  for (auto& [name, child] : processes_)
    if (!child->running()) return name;
  return std::nullopt;
}

std::string Lab::log_of(const std::string& name) const {
  std::ostringstream text;
  text << std::ifstream(folder_ / (name + ".log")).rdbuf();
  return text.str();
}

std::string Lab::log_tail(const std::string& name, std::size_t lines) const {
  const std::string text = log_of(name);
  auto at = text.size();
  for (std::size_t i = 0; i <= lines && at != 0 && at != text.npos; ++i) at = text.rfind('\n', at - 1);
  return at == 0 || at == text.npos ? text : text.substr(at + 1);
}

std::string Lab::url() const { return fmt::format("http://127.0.0.1:{}", http_port_); }

Expected<HttpReply> Lab::get(const std::string& target) const { return http_get(url() + target); }

Output Lab::sonde(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {program("sonde"), "--coordinator", url()});
  return run(arguments);
}

std::string Lab::wan(const std::string& command) {
  Process& emulator = process("wan");
  emulator.say(command);
  const auto answer = emulator.hear(5s);
  if (!answer || answer->starts_with("error:"))
    throw std::runtime_error(fmt::format("sonde-wan: {}: {}", command, answer.value_or("no answer")));
  return *answer;
}

}  // namespace sonde::lab
