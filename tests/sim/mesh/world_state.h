// The simulated mesh's state and what may happen to it; private to world.cpp and traffic.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "coordinator/core/audit.h"
#include "coordinator/core/roster.h"
#include "shared/base/random.h"
#include "tests/sim/mesh/agent_host.h"
#include "tests/sim/mesh/conflicts.h"
#include "tests/sim/mesh/faults.h"
#include "tests/sim/mesh/world.h"

namespace sonde::sim {

struct Payload {
  std::variant<wire::Message, TransferReport> what;
  std::uint32_t life = 0;  ///< of the receiver, when it was sent
};

enum class What : std::uint8_t { wake, to_coordinator, to_agent, to_peer, report, coordinator, fault };

struct Event {
  True at;
  std::uint64_t order;  ///< equal instants happen in the order in which they were planned
  What what;
  std::uint32_t host = 0;
  std::uint32_t from = 0;
  std::uint32_t payload = 0;  ///< of a wake: its number

  bool operator>(const Event& other) const { return std::pair(at, order) > std::pair(other.at, other.order); }
};

struct Host {
  SiteId site;
  HostClocks clocks;
  AgentDisk disk;
  std::unique_ptr<AgentHost> agent;
  std::uint32_t life = 0;
  std::uint32_t wake = 0;  ///< only the newest wake counts
  bool asleep = false;
  MonoTime heard{};
  std::vector<bool> peers;  ///< who is a member by its timetable of the generation below
  Generation peers_by;
  True last_up{0};  ///< messages of one connection stay in order
  True last_down{0};
  nanoseconds told_wrong{0};  ///< sabotage
};

struct Flow {
  std::uint64_t id = 0;
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  bool receiving = false;
  bool writing = false;
};

class World {
 public:
  explicit World(const WorldSettings& settings);
  WorldReport run();

 private:
  // What happens.
  void carry_out(const Event& event);
  void on_wake(std::uint32_t host);
  void on_fault(const Fault& fault);
  void start_agent(std::uint32_t host);
  void kill_agent(std::uint32_t host);
  void begin_sleep(const Fault& fault);
  void start_coordinator();
  void coordinator_turn_now();
  void replan(bool first);
  void on_coordinator_message(std::uint32_t host, std::uint32_t life, wire::Message message);
  bool lets_in(Host& host, std::uint32_t from);

  // What it leads to.
  void after(std::uint32_t host, AgentEffects& effects);
  void settle(std::uint32_t host);
  void carry_out(Roster::Out& out);
  void send_route(const std::string& route, wire::Message message);
  void take_results(const SiteId& site, const wire::ResultBatch& batch, Roster::Out& out);
  void check_begun(std::uint32_t host, const ThroughputOrder& order);
  void command(std::uint32_t host, const TransferCommand& command);
  void stop_flow(const wire::Token& token, nanoseconds drain);
  void report(std::uint32_t host, nanoseconds in, TransferReport report);
  void check_coverage();

  // The network and time.
  void plan_event(True at, What what, std::uint32_t host = 0, std::uint32_t from = 0, std::uint32_t payload = 0);
  void send_up(std::uint32_t host, wire::Message message);
  void send_down(std::uint32_t host, wire::Message message);
  void send_peer(std::uint32_t from, std::uint32_t to, wire::Message message);
  std::uint32_t keep(Payload payload);
  Payload take(std::uint32_t payload);
  nanoseconds delay(std::uint32_t from, std::uint32_t to);
  SharedTime shared() const { return SharedTime(coordinator_clocks_.read(now_).wall.time_since_epoch()); }
  bool is_up(std::uint32_t host) const { return hosts_[host].agent && !hosts_[host].asleep; }
  std::size_t link(std::uint32_t from, std::uint32_t to) const { return std::size_t{from} * hosts_.size() + to; }
  void complain(std::string what);

  WorldSettings settings_;
  WorldReport out_;
  Random random_;
  True now_{0};
  std::uint64_t planned_events_ = 0;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::vector<Payload> payloads_;
  std::vector<std::uint32_t> free_payloads_;
  std::vector<Fault> faults_;
  NetworkState network_;

  Mesh all_;               ///< every site that ever is
  std::set<SiteId> away_;  ///< those that are not in the mesh now
  std::vector<Host> hosts_;
  std::unordered_map<SiteId, std::uint32_t> index_;
  std::map<wire::Token, Flow> flows_;
  std::uint64_t flow_ids_ = 0;
  std::unique_ptr<Conflicts> conflicts_;

  // The coordinator: its store outlives it.
  HostClocks coordinator_clocks_;
  std::optional<Timetable> stored_timetable_;
  std::vector<std::uint64_t> stored_seq_;
  std::unique_ptr<Roster> roster_;
  std::unique_ptr<RunAudit> audit_;
  std::map<Generation, SharedTime> effective_;
  std::vector<True> last_ok_;
};

}  // namespace sonde::sim
