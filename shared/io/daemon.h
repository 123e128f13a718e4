// What both daemons have in common: their command line, reading their configuration file, exit codes, talking to
// systemd.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "shared/base/error.h"
#include "shared/io/fd.h"

namespace sonde::io {

enum class Exit : std::uint8_t { fine = 0, failed = 1, usage = 2, configuration = 78 };
constexpr int code(Exit exit) { return static_cast<int>(exit); }

struct DaemonOptions {
  std::filesystem::path config;
  bool check_config = false;
};

/// The options, or the exit code where --help or --version was asked for (0, printed to standard output) or the usage
/// is wrong (2, said on standard error).
std::variant<DaemonOptions, int> parse_daemon_options(int argc, const char* const* argv, const std::string& name,
                                                      const std::string& what);

/// "FILE: SETTING: WHAT" and a newline: what a person has to provide is missing or wrong.
std::string setting_error(const std::filesystem::path& file, std::string_view setting, std::string_view what);

/// The whole file; the error says "PATH: reason". Files over 16 MB are refused.
Expected<std::string> read_file(const std::filesystem::path& file);

/// The 16-octet id of this boot as text; equal ids share one clock. Empty where the kernel does not tell.
std::string read_boot_id();

/// sd_notify(3): "READY=1", "WATCHDOG=1", "STOPPING=1", ... Does nothing outside systemd.
void notify_systemd(const char* state);

/// The listening socket that systemd (or whoever plays it: LISTEN_FDS, LISTEN_PID) has passed on; nullopt: none.
std::optional<Fd> take_activation_socket();

/// Raises the soft limit of open files to the hard one.
void raise_file_limit();

}  // namespace sonde::io
