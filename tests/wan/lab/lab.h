// A whole mesh with real processes on one machine: coordinator, agents, and the emulated WAN between them.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "shared/base/error.h"
#include "shared/io/fd.h"
#include "tests/wan/lab/http_get.h"
#include "tests/wan/lab/mesh_files.h"
#include "tests/wan/lab/namespaces.h"
#include "tests/wan/lab/process.h"

namespace sonde::lab {

enum class Ground {
  wan,       ///< a namespace for each site, sonde-wan between them; the control network beside it, undelayed
  loopback,  ///< 127.0.0.0/8 without delay
};

struct LabSpec {
  MeshFiles files;
  Ground ground = Ground::wan;
  std::uint16_t http_port = 0;  ///< on 127.0.0.1; 0, or where it is taken: a free one
  std::string second = {};      ///< a word, of one beside the process' first lab, which must outlive it; no site's name
};

/// Files, keys and logs are in folder(). The destructor, and a guardian process where it is never reached, stop every
/// process and remove every namespace and the folder. One lab in a process at a time, and others only
/// beside it that are named (`second`). Programs are looked for beside
/// the running one. Throws std::system_error or std::runtime_error where the lab cannot be built.
class Lab {
 public:
  explicit Lab(LabSpec spec);
  Lab(const Lab&) = delete;
  Lab& operator=(const Lab&) = delete;
  ~Lab();

  const std::filesystem::path& folder() const { return folder_; }
  std::vector<std::string> sites() const;  ///< those of the mesh, by name
  /// What stands for a site's (or the hub's) namespace in /run/netns; empty on loopback.
  std::string netns(const std::string& site) const;

  void start_coordinator();
  void start_agent(const std::string& site);
  void start_all();
  /// An agent with another file (a name in folder()), as a process of that name.
  void start_agent_with(const std::string& name, const std::string& site, const std::string& file);
  /// One of the coordinator's tokens, where the mesh's files name none themselves.
  std::filesystem::path token_file() const;
  /// Makes keys/NAME.secret and keys/NAME.public.
  void make_key(const std::string& name);
  /// "coordinator", "wan", or a site. SONDE_ASSERTs that it was started.
  Process& process(const std::string& name);
  /// SIGTERM, wait, SIGKILL; the exit code. The process is no more missed by fallen().
  int stop(const std::string& name, std::chrono::milliseconds limit = std::chrono::seconds(5));
  void kill(const std::string& name);
  /// A process that ended though nobody stopped it.
  std::optional<std::string> fallen();
  std::string log_of(const std::string& name) const;
  std::string log_tail(const std::string& name, std::size_t lines = 15) const;

  std::string url() const;
  /// GET of a path with its query, such as "/api/v1/sites".
  Expected<HttpReply> get(const std::string& target) const;
  /// `sonde` with --coordinator before the arguments.
  Output sonde(std::vector<std::string> arguments) const;
  /// A command to the emulator (`set ...`, `stats`); its answer. Throws std::runtime_error on `error:`.
  std::string wan(const std::string& command);

 private:
  void write_files();
  void make_keys();
  void start_wan();
  void open_http(std::uint16_t wanted);
  std::filesystem::path program(const std::string& name) const;

  LabSpec spec_;
  std::string prefix_;
  std::filesystem::path folder_;
  std::filesystem::path programs_;
  std::unique_ptr<Guardian> guardian_;
  std::map<std::string, std::unique_ptr<Process>> processes_;
  io::Fd http_;
  std::uint16_t http_port_ = 0;
};

/// Asks again every 50 ms until it is true; false after `limit`.
bool eventually(std::chrono::milliseconds limit, const std::function<bool()>& condition);

}  // namespace sonde::lab
