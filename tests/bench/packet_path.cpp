#include "tests/bench/packet_path.h"

#include <sched.h>
#include <time.h>

#include <vector>

#include "agent/core/reflector.h"
#include "agent/io/udp_socket.h"
#include "shared/io/clock.h"
#include "shared/wire/stamp_packet.h"
#include "shared/wire/stamp_probe.h"

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
    for (wire::ProbeOctets& probe : probes_) {
      const wire::SenderPacket base{
          .sequence = sequence_++, .sent_at = wire::NtpStamp::from_wall(now), .error = {}, .ssid = 1};
      probe = wire::build_probe(wire::ProbeFormat::agents(), {.base = base, .dscp = 0, .sent = sequence_});
      datagrams_.push_back({.to = to_, .octets = probe, .from = {}, .traffic_class = {}});
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
      const auto orders = reflector_.on_packet(
          {request.from, request.octets, arrival, request.ttl, request.traffic_class.value_or(0)}, replies_[i]);
      if (!orders) continue;
      wire::set_sent_at(replies_[i], io::read_clock().wall);
      datagrams_.push_back({.to = request.from,
                            .octets = replies_[i],
                            .from = request.to,
                            .traffic_class = orders->traffic_class,
                            .stamp = orders->stamp});
    }
    reflecting_.send(datagrams_);
    stamps_.clear();
    reflecting_.drain_errors(stamps_, errors_);
    for (const io::StampedSend& stamped : stamps_)
      if (stamped.in_driver) reflector_.on_sent(stamped.to, stamped.payload, stamped.at);
  }

  void collect() {
    for (const io::Datagram& reply : probing_.receive()) {
      if (!wire::decode_reflector(reply.octets)) continue;
      ++seen.replies;
      if (reply.kernel_stamp) ++seen.reply_stamps;
      if (wire::read_extras(wire::ProbeFormat::agents(), reply.octets).follow_up) ++seen.follow_ups;
    }
    stamps_.clear();
    probing_.drain_errors(stamps_, errors_);
    seen.send_stamps += static_cast<std::uint64_t>(std::ranges::count_if(stamps_, &io::StampedSend::in_driver));
  }

  io::UdpSocket reflecting_{{here, 0}, io::SendStamps::on_demand};
  io::UdpSocket probing_{{here, 0}, io::SendStamps::all};
  Endpoint to_ = reflecting_.local();
  Reflector reflector_;
  std::uint32_t sequence_ = 0;
  std::array<wire::ProbeOctets, io::UdpSocket::batch> probes_;
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
