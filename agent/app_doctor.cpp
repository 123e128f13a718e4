#include "agent/app_doctor.h"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "agent/core/doctor.h"
#include "agent/io/control_survey.h"
#include "agent/io/examination.h"
#include "agent/io/peer_survey.h"
#include "agent/io/resolver.h"
#include "agent/setup.h"
#include "shared/io/daemon.h"

namespace sonde {
namespace {

constexpr nanoseconds resolve_wait = std::chrono::seconds(5);
/// Where systemd shows a unit's credentials, for as long as the unit runs.
constexpr std::string_view credentials = "/run/credentials/";

/// A key that systemd passes to the running unit lies beside the configuration, too, from where systemd took it.
void find_credential(const std::filesystem::path& config_file, AgentSetup& setup) {
  auto& secret = setup.config.secret_key;
  std::error_code trouble;
  if (!secret.string().starts_with(credentials) || std::filesystem::exists(secret, trouble)) return;
  secret = config_file.parent_path() / secret.filename();
}

/// The first address of each peer that can be had; those without one stay out.
std::vector<io::PeerTarget> resolve_peers(const Timetable& timetable, const SiteId& self) {
  boost::asio::io_context loop{1};
  io::Resolver resolver(loop);
  std::vector<io::PeerTarget> targets;
  std::size_t pending = 0;
  for (const Member& member : timetable.members) {
    if (member.site == self || !member.inbound || member.addresses.empty()) continue;
    const io::PeerTarget target{.site = member.site, .address = {}, .port = member.port, .has_agent = member.has_agent};
    const std::string& first = member.addresses.front();
    if (const auto address = IpAddress::parse(first)) {
      targets.push_back(target);
      targets.back().address = *address;
      continue;
    }
    while (pending >= io::Resolver::max_pending) loop.run_one();
    ++pending;
    resolver.resolve(first, resolve_wait, [&targets, &pending, target](const io::Resolution& found) {
      --pending;
      if (found.addresses.empty()) return;
      targets.push_back(target);
      targets.back().address = found.addresses.front();
    });
  }
  while (pending > 0) loop.run_one();
  return targets;
}

/// Also those to which nothing could be sent, in the order of the mesh.
std::vector<doctor::Peer> survey(const Timetable& timetable, const SiteId& self, const IpAddress& source) {
  const auto seen = io::survey_peers(resolve_peers(timetable, self), source);
  std::vector<doctor::Peer> peers;
  for (const Member& member : timetable.members) {
    if (member.site == self) continue;
    const auto found = std::ranges::find(seen, member.site, &doctor::Peer::site);
    doctor::Peer peer{.site = member.site};
    if (found != seen.end()) peer = *found;
    peer.has_agent = member.has_agent;
    peer.inbound = member.inbound;
    peers.push_back(std::move(peer));
  }
  return peers;
}

void append(doctor::Findings& all, doctor::Findings more) { std::ranges::move(more, std::back_inserter(all)); }

void print_table(const doctor::Findings& findings) {
  std::size_t width = 0;
  for (const auto& finding : findings) width = std::max(width, finding.check.size());
  for (const auto& finding : findings) {
    fmt::print("{:<4}  {:<{}}  {}\n", doctor::name(finding.verdict), finding.check, width, finding.what);
    if (!finding.remedy.empty()) fmt::print("{:<{}}  -> {}\n", "", width + 6, finding.remedy);
  }
}

std::string quoted(const std::string& field) {
  std::string out = "\"";
  for (const char c : field) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
}

/// RFC 4180.
void print_csv(const doctor::Findings& findings) {
  fmt::print("check,verdict,what,remedy\r\n");
  for (const auto& finding : findings)
    fmt::print("{},{},{},{}\r\n", quoted(finding.check), doctor::name(finding.verdict), quoted(finding.what),
               quoted(finding.remedy));
}

void print_json(const doctor::Findings& findings, const SiteId& site) {
  auto list = nlohmann::ordered_json::array();
  for (const auto& finding : findings)
    list.push_back({{"check", finding.check},
                    {"verdict", doctor::name(finding.verdict)},
                    {"what", finding.what},
                    {"remedy", finding.remedy}});
  const nlohmann::ordered_json out{
      {"site", site.str()}, {"well", doctor::is_well(findings)}, {"findings", std::move(list)}};
  fmt::print("{}\n", out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

doctor::Findings examine_site(const AgentSetup& setup) {
  const AgentConfig& config = setup.config;
  const auto host = io::examine_host({.listen = config.listen,
                                      .spool = config.spool,
                                      .spool_max_size = config.spool_max_size,
                                      .clock_configured = config.clock_error.has_value()});
  const bool agent_runs = std::ranges::any_of(host.ports, &doctor::LocalPort::taken);
  doctor::Findings findings = doctor::examine(host);
  const auto control = io::survey_control({.site = config.site,
                                           .endpoint = config.coordinator,
                                           .keys = setup.keys,
                                           .coordinator_key = setup.coordinator_key});
  append(findings, doctor::examine(control, config.site, agent_runs));
  if (!control.situation) return findings;
  const auto peers = survey(control.situation->timetable, config.site, config.listen.address);
  append(findings, doctor::examine(peers, *control.situation, config.site, agent_runs));
  return findings;
}

}  // namespace

int run_doctor(const std::filesystem::path& config_file, DoctorFormat format) {
  AgentSetupOutcome outcome = check_agent_setup(config_file);
  if (outcome.setup) {
    find_credential(config_file, *outcome.setup);
    outcome = read_keys_of(*std::move(outcome.setup), config_file);
  }
  if (!outcome.setup) {
    fmt::print(stderr, "{}", outcome.errors);
    return io::code(io::Exit::configuration);
  }
  io::raise_file_limit();
  const doctor::Findings findings = examine_site(*outcome.setup);
  switch (format) {
    case DoctorFormat::table: print_table(findings); break;
    case DoctorFormat::json: print_json(findings, outcome.setup->config.site); break;
    case DoctorFormat::csv: print_csv(findings); break;
  }
  return io::code(doctor::is_well(findings) ? io::Exit::fine : io::Exit::failed);
}

}  // namespace sonde
