#include "shared/io/daemon.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <systemd/sd-daemon.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <system_error>

namespace sonde::io {
namespace {

constexpr std::uintmax_t max_file_bytes = 16'000'000;

}  // namespace

std::variant<DaemonOptions, int> parse_daemon_options(int argc, const char* const* argv, const std::string& name,
                                                      const std::string& what) {
  CLI::App app(what, name);
  DaemonOptions options;
  app.add_option("--config", options.config, "The configuration file (YAML)")->required()->type_name("FILE");
  app.add_flag("--check-config", options.check_config, "Check the configuration file, say every mistake, and exit");
  app.set_version_flag("--version", name + " " + SONDE_VERSION);
  app.footer("Exit codes: 0 fine, 1 failed, 2 bad usage, 78 bad configuration.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    fmt::print(stderr, "{}: {}\nTry '{} --help'.\n", name, error.what(), name);
    return code(Exit::usage);
  }
  return options;
}

std::string setting_error(const std::filesystem::path& file, std::string_view setting, std::string_view what) {
  return fmt::format("{}: {}: {}\n", file.string(), setting, what);
}

Expected<std::string> read_file(const std::filesystem::path& file) {
  std::error_code trouble;
  if (std::filesystem::is_directory(file, trouble)) return fail(fmt::format("{}: is a folder", file.string()));
  std::ifstream in(file, std::ios::binary);
  if (!in) return fail(fmt::format("{}: {}", file.string(), std::generic_category().message(errno)));
  if (const auto size = std::filesystem::file_size(file, trouble); !trouble && size > max_file_bytes)
    return fail(fmt::format("{}: larger than 16 MB", file.string()));
  return std::string(std::istreambuf_iterator<char>(in), {});
}

std::string read_boot_id() {
  std::ifstream in("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(in, id);
  return id;
}

void notify_systemd(const char* state) { sd_notify(0, state); }

std::optional<Fd> take_activation_socket() {
  const int count = sd_listen_fds(1);
  if (count < 1) return std::nullopt;
  return Fd(SD_LISTEN_FDS_START);
}

void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace sonde::io
