#include "shared/io/zap.h"

#include <array>

namespace sonde::io {
namespace {

// Frames of a request (RFC 27, "The ZAP protocol"): version, request id, domain, address, identity, mechanism,
// credentials.
constexpr std::size_t version_frame = 0;
constexpr std::size_t id_frame = 1;
constexpr std::size_t address_frame = 3;
constexpr std::size_t mechanism_frame = 5;
constexpr std::size_t key_frame = 6;
constexpr std::size_t curve_key_octets = 32;

std::string z85(const std::string& binary) {
  std::array<char, 41> text{};
  zmq_z85_encode(text.data(), reinterpret_cast<const std::uint8_t*>(binary.data()), binary.size());
  return text.data();
}

}  // namespace

ZapHandler::ZapHandler(boost::asio::io_context& loop, zmq::context_t& context, OnRefused on_refused)
    : socket_(context, zmq::socket_type::rep), on_refused_(std::move(on_refused)) {
  socket_.set(zmq::sockopt::linger, 0);
  socket_.bind("inproc://zeromq.zap.01");
  pump_ = std::make_unique<ZmqPump>(loop, socket_, [this] { return take_one(); });
}

bool ZapHandler::take_one() {
  zmq::message_t frame;
  if (!socket_.recv(frame, zmq::recv_flags::dontwait)) return false;
  std::vector<std::string> request{frame.to_string()};
  while (socket_.get(zmq::sockopt::rcvmore) && socket_.recv(frame, zmq::recv_flags::dontwait))
    request.push_back(frame.to_string());
  answer(request);
  return true;
}

void ZapHandler::answer(const std::vector<std::string>& request) {
  const bool curve = request.size() > key_frame && request[version_frame] == "1.0" &&
                     request[mechanism_frame] == "CURVE" && request[key_frame].size() == curve_key_octets;
  const auto known = curve ? keys_.find(z85(request[key_frame])) : keys_.end();
  const bool admitted = known != keys_.end();
  if (!admitted) {
    ++refused_;
    on_refused_(request.size() > address_frame ? std::string_view(request[address_frame]) : "unknown");
  }
  const std::array<std::string, 6> reply{"1.0",
                                         request.size() > id_frame ? request[id_frame] : "",
                                         admitted ? "200" : "400",
                                         admitted ? "OK" : "no such key here",
                                         admitted ? known->second.str() : "",
                                         ""};
  for (std::size_t i = 0; i < reply.size(); ++i) {
    const auto more = i + 1 < reply.size() ? zmq::send_flags::sndmore : zmq::send_flags::none;
    socket_.send(zmq::buffer(reply[i]), more | zmq::send_flags::dontwait);
  }
}

}  // namespace sonde::io
