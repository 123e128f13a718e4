#include "agent/app_doctor.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "agent/core/doctor.h"
#include "agent/io/control_survey.h"
#include "agent/io/examination.h"
#include "agent/io/peer_survey.h"
#include "agent/setup.h"
#include "shared/io/daemon.h"

namespace sonde {
namespace {

/// All peers, in the order of the mesh.
std::vector<doctor::Peer> survey(const Timetable& timetable, const SiteId& self, const IpAddress& source) {
  std::vector<Member> peers;
  std::ranges::copy_if(timetable.members, std::back_inserter(peers),
                       [&](const Member& member) { return member.site != self; });
  return io::survey_peers(peers, source);
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
  const AgentSetupOutcome outcome = read_agent_setup_beside_unit(config_file);
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
