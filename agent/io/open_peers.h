// The connections between agents, as this agent's configuration has them.
#pragma once

#include <boost/asio/io_context.hpp>
#include <zmq.hpp>

#include "agent/io/peer_links.h"
#include "shared/base/endpoint.h"
#include "shared/base/ids.h"
#include "shared/io/curve_keys.h"

namespace sonde::io {

/// `listen` is the agent's own port for probes; others connect to the one behind it. Throws std::runtime_error with
/// "attempt: reason" where that cannot be had.
PeerLinks open_peers(boost::asio::io_context& loop, zmq::context_t& context, const SiteId& site, const Endpoint& listen,
                     const KeyPair& keys, PeerLinks::OnMessage on_message, PeerLinks::OnEvent on_event);

}  // namespace sonde::io
