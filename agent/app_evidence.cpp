#include "agent/app_evidence.h"

#include <optional>
#include <utility>

#include "agent/app_latency.h"
#include "agent/io/host_status.h"
#include "shared/wire/codec.h"

namespace sonde {
namespace {

/// As the latency probes go there, so that the way is theirs.
std::optional<io::TraceTarget> target_of(const SiteId& site, const AgentConfig& config, const Prober& prober,
                                         const AddressBook& book) {
  const Member* member = prober.timetable().member(site);
  if (member == nullptr) return std::nullopt;
  io::TraceTarget target{.addresses = {}, .counts = member->has_agent};
  for (const IpAddress& address : addresses_of(*member, book)) target.addresses.push_back({address, member->port});
  target.dscp = prober.dscp(latency_options(config));
  return target;
}

}  // namespace

io::EvidenceTaker make_evidence_taker(boost::asio::io_context& loop, const AgentConfig& config, const Prober& prober,
                                      const AddressBook& book, const io::TransferPath& transfers,
                                      const std::unique_ptr<io::ZmqDealer>& control) {
  const Endpoint& listen = config.listen;
  io::EvidenceTaker::Own own{
      .address = {}, .port = static_cast<std::uint16_t>(listen.port + 1), .seed = io::random_seed()};
  if (listen.address != IpAddress{listen.address.family, {}}) own.address = listen.address;
  return {loop,
          own,
          {.target = [&](const SiteId& site) { return target_of(site, config, prober, book); },
           .busy = [&] { return !transfers.running().empty(); },
           .done = [&](wire::EvidenceTaken taken) { control->send(wire::encode(std::move(taken))); }}};
}

}  // namespace sonde
