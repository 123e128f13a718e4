#include "agent/core/doctor.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "shared/base/limits.h"

namespace sonde::doctor {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Half of it is how far the agent's clock may seem off only because the answer took its time.
constexpr nanoseconds worrying_offset = seconds(1);
constexpr nanoseconds silence_worth_saying = seconds(15);
constexpr std::size_t usual_mtu = 1500;
constexpr std::uint64_t files_wanted = 4096;
constexpr std::uint64_t bind_service = std::uint64_t{1} << 10U;  // CAP_NET_BIND_SERVICE, for ports below 1024

std::string time_text(nanoseconds time) {
  const double ms = to_seconds(time) * 1e3;
  if (ms < 1) return fmt::format("{:.0f} us", ms * 1e3);
  if (ms < 1000) return fmt::format("{:.3g} ms", ms);
  return fmt::format("{:.3g} s", ms / 1e3);
}

std::string size_text(Bytes size) {
  const auto count = static_cast<double>(size.count);
  return count < 1e9 ? fmt::format("{:.0f} MB", count / 1e6) : fmt::format("{:.1f} GB", count / 1e9);
}

Finding clock_finding(const Host& host) {
  if (host.clock_configured) return {"clock", Verdict::ok, "its error is what clock.error says", ""};
  if (!host.clock_synchronised)
    return {"clock", Verdict::note, "no daemon keeps it synchronised, so delays of one direction may be missing",
            "install chrony (apt install chrony), or state clock.error"};
  if (!host.clock_error)
    return {"clock", Verdict::note, "synchronised, but its daemon states no error bound (systemd-timesyncd does not)",
            "install chrony, which does, or state clock.error"};
  return {"clock", Verdict::ok, fmt::format("synchronised, within {} of UTC", time_text(*host.clock_error)), ""};
}

Finding stamps_finding(const Host& host) {
  std::string missing;
  const std::array<std::pair<bool, std::string_view>, 3> stamps = {
      {{host.receive_stamps, "arrival"}, {host.send_stamps, "departure"}, {host.queue_stamps, "queueing"}}};
  for (const auto& [there, what] : stamps)
    if (!there) missing += fmt::format("{}{}", missing.empty() ? "" : ", ", what);
  if (missing.empty()) return {"kernel timestamps", Verdict::ok, "arrival, departure and queueing are stamped", ""};
  return {"kernel timestamps", Verdict::note,
          fmt::format("missing: {}; the program's own clock is read instead", missing),
          "use a kernel with CONFIG_NETWORK_PHY_TIMESTAMPING or a container that allows SO_TIMESTAMPING"};
}

Findings port_findings(const Host& host) {
  Findings findings;
  for (const LocalPort& port : host.ports) {
    if (port.taken)
      findings.push_back({"port", Verdict::ok, fmt::format("{} is open here", port.what), ""});
    else if (!port.refusal.empty())
      findings.push_back({"port", Verdict::bad, fmt::format("{} cannot be opened: {}", port.what, port.refusal),
                          "give listen.port above 1023, or the unit CAP_NET_BIND_SERVICE"});
    else
      findings.push_back({"port", Verdict::note, fmt::format("{} is free: no agent runs here", port.what),
                          "start it: systemctl start sonde-agent"});
  }
  return findings;
}

Finding spool_finding(const Host& host) {
  if (!host.spool_refusal.empty())
    return {"spool", Verdict::bad, fmt::format("{}: {}", host.spool_folder, host.spool_refusal),
            "make the folder, or change spool.path; systemd makes it when the unit starts"};
  if (!host.spool_free) return {"spool", Verdict::note, "how much room its disk has is not known", ""};
  const auto free = fmt::format("{} free in {}", size_text(*host.spool_free), host.spool_folder);
  if (host.spool_free->count < host.spool_wanted.count)
    return {"spool", Verdict::bad, fmt::format("{}, but it may grow by {}", free, size_text(host.spool_wanted)),
            "make room, or give spool.max_size less"};
  return {"spool", Verdict::ok, free, ""};
}

Finding capabilities_finding(const Host& host) {
  if (!host.agent)
    return {"capabilities", Verdict::note, "what the agent is allowed is seen only while it runs, by root", ""};
  const bool more = (host.agent->capabilities & ~bind_service) != 0;
  const std::string_view rest = more ? "more capabilities than it needs" : "no capability that it does not need";
  if (!host.agent->real_time)
    return {
        "capabilities", Verdict::note,
        fmt::format("the agent has no real-time priority, so it stamps and sends late on a busy host; and {}", rest),
        "give its unit LimitRTPRIO=20 (systemctl edit sonde-agent), or its container the capability SYS_NICE"};
  const auto what = fmt::format("the agent has real-time priority for its packets, and {}", rest);
  if (more) return {"capabilities", Verdict::note, what, "run it by the package's unit, not as root"};
  return {"capabilities", Verdict::ok, what, ""};
}

Finding reached_finding(const Control& control) {
  using Reached = Control::Reached;
  const auto bad = [&](std::string_view what, std::string remedy) {
    return Finding{"coordinator", Verdict::bad, fmt::format("{}: {}: {}", control.endpoint, what, control.reason),
                   std::move(remedy)};
  };
  switch (control.reached) {
    case Reached::nothing:
      return bad("its name cannot be resolved",
                 "check coordinator.endpoint and this host's resolver (resolvectl status)");
    case Reached::address:
      return bad("no connection",
                 "start the coordinator, check its control: and the firewalls between for this TCP port");
    case Reached::port:
      return bad("the keys do not fit",
                 "copy this site's .public into the coordinator's keys.agents and the coordinator's public key into "
                 "coordinator.key; then systemctl reload sonde-coordinator");
    case Reached::key:
      return bad("it does not answer", "upgrade the coordinator: versions before 0.2 do not know the question");
    case Reached::answer: break;
  }
  return {"coordinator", Verdict::ok,
          fmt::format("{} answers for mesh {} after {}", control.endpoint, control.situation->mesh,
                      time_text(control.took)),
          ""};
}

Finding offset_finding(nanoseconds offset, nanoseconds error) {
  const nanoseconds size = offset < nanoseconds(0) ? -offset : offset;
  const auto what = fmt::format("{} {} the coordinator's, +- {}", time_text(size),
                                offset < nanoseconds(0) ? "ahead of" : "behind", time_text(error));
  if (size > worrying_offset + error)
    return {"clock offset", Verdict::note, what,
            "agents allow for it; set the clock right all the same (chronyc makestep)"};
  return {"clock offset", Verdict::ok, what, ""};
}

Finding agent_finding(const wire::Situation& situation, bool agent_runs) {
  std::string heard = "the coordinator has not heard this site's agent since it was started";
  if (situation.silence)
    heard = fmt::format("the coordinator heard this site's agent {} ago", time_text(*situation.silence));
  if (!agent_runs) return {"agent", Verdict::note, heard, "start it: systemctl start sonde-agent"};
  if (!situation.silence || *situation.silence >= silence_worth_saying)
    return {"agent", Verdict::bad, heard, "see journalctl -u sonde-agent"};
  return {"agent", Verdict::ok, fmt::format("{} (version {})", heard, situation.agent_version), ""};
}

/// What was tried from here to a peer; empty where all of it works.
std::string trouble_to(const Peer& peer) {
  std::string trouble;
  const auto add = [&](const std::string& what) { trouble += trouble.empty() ? what : "; " + what; };
  if (peer.address.empty()) return "none of its addresses can be resolved";
  if (!peer.stamp) add("its reflector does not answer (UDP)");
  if (!peer.probe_port.empty()) add(peer.probe_port);
  if (!peer.peer_port.empty()) add(peer.peer_port);
  return trouble;
}

Finding to_finding(const Peer& peer) {
  const auto check = fmt::format("to {}", peer.site.str());
  if (!peer.inbound) return {check, Verdict::ok, "nobody can reach it (inbound: false); it opens the connections", ""};
  if (const auto trouble = trouble_to(peer); !trouble.empty())
    return {check, Verdict::bad, fmt::format("{}{}{}", peer.address, peer.address.empty() ? "" : ": ", trouble),
            peer.address.empty()
                ? "check the site's address in the coordinator's configuration"
                : fmt::format("run sonde doctor at {}; let its firewall pass UDP and TCP of its port, and "
                              "TCP of the next one, from here",
                              peer.site.str())};
  return {check, Verdict::ok, fmt::format("{} answers after {}", peer.address, time_text(*peer.stamp)), ""};
}

std::optional<Finding> mtu_finding(const Peer& peer) {
  if (peer.mtu == 0) return std::nullopt;
  const auto check = fmt::format("MTU to {}", peer.site.str());
  if (peer.mtu >= std::min(usual_mtu, peer.tried_mtu))
    return Finding{check, Verdict::ok, fmt::format("packets of {} octets pass whole", peer.mtu), ""};
  return Finding{check, Verdict::note, fmt::format("packets pass whole up to about {} octets", peer.mtu),
                 "right for a tunnel; else look for a filter of ICMP or a wrong MTU on the way"};
}

Finding from_finding(const Peer& peer, const wire::Situation& situation, const SiteId& site, bool agent_runs) {
  Finding finding{fmt::format("from {}", peer.site.str()), Verdict::note, "", ""};
  for (const wire::LinkNews& news : situation.links) {
    if (news.link.from != peer.site || news.link.to != site) continue;
    if (!finding.what.empty()) finding.what += ", ";
    finding.what += fmt::format("{} {}", name(news.probe), news.state);
    if (news.age) finding.what += fmt::format(" ({} ago)", time_text(*news.age));
    if (news.state == "down" && agent_runs) finding.verdict = Verdict::bad;
    if (finding.verdict == Verdict::note && (news.state == "ok" || news.state == "degraded"))
      finding.verdict = Verdict::ok;
    if (news.state == "agent_silent") finding.remedy = fmt::format("start the agent at {}", peer.site.str());
  }
  if (finding.what.empty()) return {finding.check, Verdict::ok, "the policy measures nothing on this way", ""};
  if (finding.verdict == Verdict::bad)
    finding.remedy = fmt::format(
        "let this host's firewall pass UDP and TCP of listen.port, and TCP of the next one, from {}", peer.site.str());
  return finding;
}

}  // namespace

std::string_view name(Verdict verdict) {
  switch (verdict) {
    case Verdict::ok: return "ok";
    case Verdict::note: return "note";
    case Verdict::bad: return "bad";
  }
  return "";
}

Findings examine(const Host& host) {
  Findings findings{clock_finding(host), stamps_finding(host), capabilities_finding(host)};
  for (Finding& finding : port_findings(host)) findings.push_back(std::move(finding));
  findings.push_back(spool_finding(host));
  if (host.open_files < files_wanted)
    findings.push_back({"open files", Verdict::note, fmt::format("at most {} files may be open", host.open_files),
                        "raise LimitNOFILE of the unit where the mesh has hundreds of sites"});
  return findings;
}

Findings examine(const Control& control, const SiteId& site, bool agent_runs) {
  Findings findings{reached_finding(control)};
  if (!control.situation) return findings;
  if (control.situation->timetable.member(site) == nullptr) {
    findings.push_back({"membership", Verdict::bad, fmt::format("{} is no site of this mesh", site.str()),
                        "add it to sites: in the coordinator's configuration, then reload it"});
    return findings;
  }
  if (control.offset) findings.push_back(offset_finding(*control.offset, control.took / 2));
  findings.push_back(agent_finding(*control.situation, agent_runs));
  return findings;
}

Findings examine(const std::vector<Peer>& peers, const wire::Situation& situation, const SiteId& site,
                 bool agent_runs) {
  Findings findings;
  for (const Peer& peer : peers) {
    findings.push_back(to_finding(peer));
    if (auto mtu = mtu_finding(peer)) findings.push_back(*std::move(mtu));
    if (peer.has_agent) findings.push_back(from_finding(peer, situation, site, agent_runs));
  }
  return findings;
}

bool is_well(const Findings& findings) {
  return std::ranges::none_of(findings, [](const Finding& finding) { return finding.verdict == Verdict::bad; });
}

}  // namespace sonde::doctor
