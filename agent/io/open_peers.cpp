#include "agent/io/open_peers.h"

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

#include "shared/base/limits.h"

namespace sonde::io {
namespace {

std::string peer_endpoint(const Endpoint& listen) {
  return "tcp://" + Endpoint{listen.address, static_cast<std::uint16_t>(listen.port + 1)}.str();
}

}  // namespace

PeerLinks open_peers(boost::asio::io_context& loop, zmq::context_t& context, const SiteId& site, const Endpoint& listen,
                     const KeyPair& keys, PeerLinks::OnMessage on_message, PeerLinks::OnEvent on_event) {
  const std::string endpoint = peer_endpoint(listen);
  try {
    zmq_ctx_set(context.handle(), ZMQ_MAX_SOCKETS, 4 * static_cast<int>(limits::sites));
    return {loop, context, site, endpoint, keys, std::move(on_message), std::move(on_event)};
  } catch (const zmq::error_t& error) {
    throw std::runtime_error(
        fmt::format("listen for other agents on {} (listen.port + 1): {}", endpoint, error.what()));
  }
}

}  // namespace sonde::io
