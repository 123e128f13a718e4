#include "tests/bench/packet_path.h"

#include <sched.h>
#include <time.h>

#include <vector>

#include "agent/core/reflector.h"
#include "agent/io/udp_socket.h"
#include "shared/io/clock.h"
#include "shared/wire/stamp_packet.h"

namespace sonde::bench {
namespace {

const IpAddress here{IpAddress::Family::v4, {127, 0, 0, 1}};

void keep_to_one_core() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(static_cast<unsigned>(::sched_getcpu()), &cores);
  ::sched_setaffinity(0, sizeof cores, &cores);
}

nanoseconds cpu_time() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + nanoseconds(time.tv_nsec);
}

class Loop {
 public:
  Loop() { reflector_.set_members({here}); }

  void turn() {
    send();
    reflect();
    collect();
  }
  PacketRate seen;

 private:
  void send() {
    datagrams_.clear();
    const WallTime now = io::read_clock().wall;
    for (wire::StampPacket& packet : packets_) {
      packet = wire::encode(wire::SenderPacket{
          .sequence = sequence_++, .sent_at = wire::NtpStamp::from_wall(now), .error = {}, .ssid = 1});
      datagrams_.push_back({reflecting_.local(), {}, packet});
    }
    seen.sent += probing_.send(datagrams_).taken;
  }

  void reflect() {
    const auto requests = reflecting_.receive();
    replies_.resize(std::max(replies_.size(), requests.size()));
    datagrams_.clear();
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const io::Datagram& request = requests[i];
      const WallTime arrival = request.kernel_stamp.value_or(WallTime());
      if (!reflector_.on_packet({request.from, request.octets, arrival, request.ttl}, replies_[i])) continue;
      wire::set_sent_at(replies_[i], io::read_clock().wall);
      datagrams_.push_back({request.from, request.to, replies_[i]});
    }
    reflecting_.send(datagrams_);
  }

  void collect() {
    for (const io::Datagram& reply : probing_.receive()) {
      if (!wire::decode_reflector(reply.octets)) continue;
      ++seen.replies;
      if (reply.kernel_stamp) ++seen.reply_stamps;
    }
    stamps_.clear();
    probing_.drain_errors(stamps_, errors_);
    seen.send_stamps += static_cast<std::uint64_t>(std::ranges::count_if(stamps_, &io::StampedSend::in_driver));
  }

  io::UdpSocket reflecting_{{here, 0}, false};
  io::UdpSocket probing_{{here, 0}, true};
  Reflector reflector_;
  std::uint32_t sequence_ = 0;
  std::array<wire::StampPacket, io::UdpSocket::batch> packets_;
  std::vector<io::OutgoingDatagram> datagrams_;
  std::vector<std::vector<std::uint8_t>> replies_;
  std::vector<io::StampedSend> stamps_;
  std::vector<io::SendError> errors_;
};

}  // namespace

PacketRate packet_rate(nanoseconds lasting, const std::atomic<bool>& stop) {
  keep_to_one_core();
  Loop loop;
  constexpr int turns_to_warm_up = 200;  // the kernel begins to stamp some time after the first socket asked for it
  for (int turn = 0; turn < turns_to_warm_up; ++turn) loop.turn();
  loop.seen = {};
  const nanoseconds began = cpu_time();
  while (!stop && cpu_time() - began < lasting) loop.turn();
  loop.seen.probes_per_second = static_cast<double>(loop.seen.sent) / to_seconds(cpu_time() - began);
  return loop.seen;
}

}  // namespace sonde::bench
