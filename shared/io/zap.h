// Who may connect: the ZAP handler (RFC 27/ZAP) of one ZeroMQ context. Admits the keys it was told and gives each
// connection the name of its site as User-Id, so that nobody can speak for another.
#pragma once

#include <boost/asio/io_context.hpp>
#include <zmq.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/ids.h"
#include "shared/io/zmq_pump.h"

namespace sonde::io {

class ZapHandler {
 public:
  using OnRefused = std::function<void(std::string_view address)>;

  /// One for each context; must exist before a CURVE server socket of it binds. `on_refused` gets the stranger's
  /// address.
  ZapHandler(boost::asio::io_context& loop, zmq::context_t& context, OnRefused on_refused);
  ZapHandler(const ZapHandler&) = delete;
  ZapHandler& operator=(const ZapHandler&) = delete;

  /// Public key (Z85) to site; replaces the former table. Connections that stand are not touched.
  void admit(std::map<std::string, SiteId> keys) { keys_ = std::move(keys); }
  std::uint64_t refused() const { return refused_; }

 private:
  bool take_one();
  void answer(const std::vector<std::string>& request);

  zmq::socket_t socket_;
  OnRefused on_refused_;
  std::map<std::string, SiteId> keys_;
  std::uint64_t refused_ = 0;
  std::unique_ptr<ZmqPump> pump_;
};

}  // namespace sonde::io
