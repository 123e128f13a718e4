// What the agent does when the coordinator asks for evidence of a way.
#pragma once

#include <boost/asio/io_context.hpp>

#include <memory>

#include "agent/config.h"
#include "agent/core/prober.h"
#include "agent/io/evidence_taker.h"
#include "agent/io/transfer_path.h"
#include "shared/io/zmq_link.h"

namespace sonde {

/// Everything given must outlive the taker; `control` may be made later, and anew.
io::EvidenceTaker make_evidence_taker(boost::asio::io_context& loop, const AgentConfig& config, const Prober& prober,
                                      const AddressBook& book, const io::TransferPath& transfers,
                                      const std::unique_ptr<io::ZmqDealer>& control);

}  // namespace sonde
