// What was seen of a host, of its coordinator and of its peers becomes findings for a person: what is well, what is
// not, and what to do. Pure; agent/io/examination.h and agent/io/peer_survey.h look, agent/app_doctor.h brings them
// together.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/endpoint.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/base/units.h"
#include "shared/wire/messages.h"

namespace sonde::doctor {

enum class Verdict : std::uint8_t {
  ok,
  note,  ///< works, but could be better, or could not be told
  bad,   ///< something does not work because of it
};
std::string_view name(Verdict verdict);

struct Finding {
  std::string check;  ///< what was looked at, the same words in every run; of a peer "peer NAME"
  Verdict verdict = Verdict::ok;
  std::string what;
  std::string remedy;  ///< empty where there is nothing to do
};
using Findings = std::vector<Finding>;

/// A port that the agent listens on.
struct LocalPort {
  std::string what{};     ///< "UDP 7101"
  bool taken = false;     ///< somebody listens on it: the agent, if it runs
  std::string refusal{};  ///< why it could not be opened, where it is not taken
};

/// What a running agent is allowed.
struct Privileges {
  bool real_time = false;          ///< a thread of it has real-time priority: the one that sends and stamps packets
  std::uint64_t capabilities = 0;  ///< its effective set, as capabilities(7) numbers them
};

struct Host {
  bool clock_synchronised = false;
  std::optional<nanoseconds> clock_error{};  ///< the daemon's own bound; nullopt: it states none
  bool clock_configured = false;             ///< clock.error is set, and is what the agent uses
  bool receive_stamps = false;               ///< the kernel stamps arrivals
  bool send_stamps = false;                  ///< in the driver
  bool queue_stamps = false;                 ///< at the entry into the queueing discipline
  std::vector<LocalPort> ports{};
  std::string spool_folder{};
  std::string spool_refusal{};        ///< why it cannot be written to; empty: it can
  std::optional<Bytes> spool_free{};  ///< on its disk; nullopt: not known
  Bytes spool_wanted{};               ///< spool.max_size less what the spool has already
  std::uint64_t open_files = 0;       ///< hard limit
  std::optional<Privileges> agent{};  ///< of the agent that runs here; nullopt: none does, or it is not to be seen
};

/// How far the way to the coordinator goes.
struct Control {
  enum class Reached : std::uint8_t { nothing, address, port, key, answer };
  Reached reached = Reached::nothing;
  std::string endpoint{};  ///< as the configuration has it
  std::string reason{};    ///< why it goes no further
  nanoseconds took{0};     ///< from question to answer
  std::optional<wire::Situation> situation{};
  std::optional<nanoseconds> offset{};  ///< the coordinator's clock less ours, +- took / 2
};

/// One peer, as seen from here.
struct Peer {
  SiteId site{};
  bool has_agent = true;
  bool inbound = true;                 ///< false: nobody can reach it, so nothing was tried
  std::string address{};               ///< that was tried; empty: none of its names could be resolved
  std::optional<nanoseconds> stamp{};  ///< the quickest answer's round trip; nullopt: its reflector did not answer
  std::string probe_port{};            ///< why its TCP port is not to be reached; empty: it is, or has none
  std::string peer_port{};             ///< the same of port + 1
  std::size_t mtu = 0;                 ///< octets of the largest IP packet that came back whole; 0: none did
  std::size_t tried_mtu = 0;           ///< of the largest that was sent
};

/// Of this host alone.
Findings examine(const Host& host);
/// The way to the coordinator; `site` is ours, `agent_runs` whether somebody listens on its ports.
Findings examine(const Control& control, const SiteId& site, bool agent_runs);
/// Both ways between this site and its peers: what was tried from here, and what the coordinator's matrix says of the
/// way back. Without an agent here nobody can reach it, and that is no fault of the way.
Findings examine(const std::vector<Peer>& peers, const wire::Situation& situation, const SiteId& site, bool agent_runs);

/// True where nothing is bad.
bool is_well(const Findings& findings);

}  // namespace sonde::doctor
