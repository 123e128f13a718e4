// Writes the seed corpus of the binary formats: one file for each message, result and timetable, full and bare.
// Usage: make_fuzz_seeds tests/fuzz/corpus
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "shared/wire/codec.h"
#include "shared/wire/stamp_packet.h"
#include "shared/wire/stamp_probe.h"

namespace {

using namespace sonde;
using namespace std::chrono_literals;

SiteId berlin() { return SiteId::known("berlin"); }
SiteId athens() { return SiteId::known("athens"); }

Result full_result() {
  Result result;
  result.id = {berlin(), 0x0123456789abcdef, 42};
  result.to = athens();
  result.generation = {3};
  result.round = {7};
  result.scheduled_at = shared_from_ns(1'700'000'000'000'000'000);
  result.started_at = result.scheduled_at + 1ms;
  result.finished_at = result.scheduled_at + 12s;
  result.set(Tag::user_clock);
  result.reason = "a reason";
  result.values = {{Metric::jitter, 0.001}, {Metric::throughput, 1e9}};
  result.ratios = {{Metric::loss, 1, 50}, {Metric::reorder, 0, 49}};
  Distribution samples;
  for (const std::int64_t sample : {0, 1, 1000, 20'000'000, 20'100'000, 2'000'000'000}) samples.add(sample);
  result.distributions = {{Metric::rtt, samples}, {Metric::pdv, samples}};
  result.details = {{"sent", 50}, {"error_s", 0.00002}};
  return result;
}

Result bare_result() {
  Result result;
  result.id = {berlin(), 1, 1};
  result.to = athens();
  result.outcome = Outcome::skipped;
  return result;
}

Timetable full_timetable() {
  Timetable table;
  table.generation = {2};
  table.epoch = shared_from_ns(1'700'000'000'000'000'000);
  table.effective_at = table.epoch + 10s;
  table.policy.throughput->every = 30s;
  table.throughput_every = 30s;
  table.rounds = 2;
  table.cycle = 12s;
  table.members = {{berlin(),
                    {"192.0.2.10", "2001:db8::10"},
                    7101,
                    true,
                    true,
                    std::nullopt,
                    std::string(40, 'a'),
                    Location{52.52, 13.4},
                    1},
                   {athens(), {"athens.example.net"}, 862, false, false, ConnectTarget{"192.0.2.20", 443}, ""}};
  table.slots = {{{0}, {berlin(), athens()}, 0s, 6s}, {{1}, {athens(), berlin()}, 6s, 6s}};
  table.phases = {{{berlin(), athens()}, 1s, 2s}};
  return table;
}

wire::Heartbeat heartbeat() {
  wire::Heartbeat beat;
  beat.sent_at = wall_from_ns(1);
  beat.spooled = 2;
  beat.generation = {3};
  beat.clock_error = 1ms;
  beat.send_lateness_p99 = 2us;
  beat.slot_lateness_p99 = 3us;
  beat.socket_drops = 4;
  beat.cpu_pressure = 0.5;
  beat.clock_offset = -5ms;
  return beat;
}

PathTrace trace() {
  PathTrace out;
  out.source = "192.0.2.10:7102";
  out.target = "192.0.2.20:7101";
  out.hops = {{HopKind::router, "192.0.2.201", 3ms}, {}, {HopKind::target, "192.0.2.20", 40ms}};
  out.reached = true;
  out.mtu = 1400;
  out.counters = {{"tx_dropped", 7, 2}};
  return out;
}

std::vector<wire::Message> messages() {
  const wire::Token token{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  return {wire::Hello{berlin(), "1.2.3", 1, 2, {3}, "0a1b2c3d", 7101},
          heartbeat(),
          wire::Heartbeat{},
          wire::ResultBatch{{full_result(), bare_result()}},
          wire::ResultBatch{},
          wire::Goodbye{},
          wire::Welcome{"europe", 6},
          wire::WhoAreYou{},
          wire::HeartbeatReply{wall_from_ns(1), shared_from_ns(2), shared_from_ns(3)},
          wire::NewTimetable{full_timetable()},
          wire::NewTimetable{},
          wire::Acknowledge{1, 2},
          wire::PeerFacts{{{athens(), "boot", std::nullopt}, {berlin(), "", 5us}}},
          wire::TransferOffer{token, {3}, {1}, {berlin(), athens()}, 2, 5s, 60s, Bytes{1000}},
          wire::TransferAnswer{token, Outcome::busy, "another run"},
          wire::TransferGo{token},
          wire::TransferFinished{token, Outcome::ok, "", 1, {{Metric::throughput, 1e6}}, {{"bytes", 10}}},
          wire::TransferAbort{token, "gone"},
          wire::RunOrder{7, Probe::connect, {berlin(), athens()}, shared_from_ns(9), 3s, 2s, 50, 50ms},
          wire::RunProgress{7, 1, 500ms, 1000},
          wire::Inquiry{berlin(), "0.1.0"},
          wire::Situation{"europe",
                          shared_from_ns(5),
                          2s,
                          "0.1.0",
                          full_timetable(),
                          {{{athens(), berlin()}, Probe::connect, "ok", 3s}}},
          wire::ArrivalQuestions{{{8, berlin(), 77, 0xFFFF'FFF0U, 9, shared_from_ns(5)}}},
          wire::ArrivalAnswers{{{8, true, 12}, {9, false, 0}}},
          wire::EvidenceOrder{10, athens(), 20s, true},
          wire::EvidenceTaken{11, athens(), trace()}};
}

void write(const std::filesystem::path& file, const wire::Buffer& bytes) {
  std::ofstream stream(file, std::ios::binary);
  stream.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

void write_wire_seeds(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  int number = 0;
  for (const auto& message : messages()) {
    const auto bytes = wire::encode(message);
    write(folder / ("message-" + std::to_string(number)), bytes);
    write(folder / ("cut-" + std::to_string(number)), {bytes.begin(), bytes.end() - 1});
    ++number;
  }
  write(folder / "result-full", wire::encode_result(full_result()));
  write(folder / "result-bare", wire::encode_result(bare_result()));
  write(folder / "timetable-full", wire::encode_timetable(full_timetable()));
  write(folder / "timetable-bare", wire::encode_timetable({}));
  write(folder / "other-version", {0x93, 0x02, 0x00, 0x90});
  write(folder / "unknown-type", {0x93, 0x01, 0x7f, 0x90});
  write(folder / "array-of-2-to-the-32", {0x93, 0x01, 0x02, 0x91, 0xdd, 0xff, 0xff, 0xff, 0xff});
  write(folder / "text-of-4-gb", {0x93, 0x01, 0x04, 0x92, 0xdb, 0xff, 0xff, 0xff, 0xff, 'x'});
  write(folder / "nesting", wire::Buffer(4000, 0x91));
  write(folder / "empty", {});
}

wire::Buffer with_tail(const wire::StampPacket& packet, std::initializer_list<std::uint8_t> tail) {
  wire::Buffer octets(packet.begin(), packet.end());
  octets.insert(octets.end(), tail);
  return octets;
}

void write_stamp_seeds(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  const auto at = wire::NtpStamp::from_wall(wall_from_ns(1'700'000'000'123'456'789));
  const wire::SenderPacket sent{7, at, wire::ErrorEstimate::of(1ms), 0x1234};
  const wire::ReflectorPacket reflected{8, at, wire::ErrorEstimate::of(1ms), 0x1234, at, 7, at, 1, 60};
  const auto request = wire::encode(sent);
  write(folder / "request", with_tail(request, {}));
  write(folder / "reply", with_tail(wire::encode(reflected), {}));
  write(folder / "short", wire::Buffer(request.begin(), request.end() - 1));
  write(folder / "padded", with_tail(request, {0x00, 0x01, 0x00, 0x04, 0, 0, 0, 0}));
  write(folder / "two-tlvs", with_tail(request, {0x80, 0x01, 0x00, 0x00, 0x80, 0xb3, 0x00, 0x02, 1, 2}));
  write(folder / "tlv-too-long", with_tail(request, {0x80, 0x01, 0xff, 0xff, 0}));
  write(folder / "tlv-header-cut", with_tail(request, {0x80, 0x01, 0x00}));
  const wire::ProbeValues values{.base = sent, .dscp = 46, .sent = 8};
  auto authenticated = wire::ProbeFormat::agents();
  authenticated.mode = wire::StampMode::authenticated;
  const wire::StampKey key{};
  for (const auto& [name, format] : {std::pair("probe-of-agents", wire::ProbeFormat::agents()),
                                     std::pair("probe-of-all", wire::ProbeFormat{true, true, true, true, true}),
                                     std::pair("probe-authenticated", authenticated)}) {
    const auto probe = wire::build_probe(format, values, &key);
    const std::span<const std::uint8_t> octets = probe;
    write(folder / name, {octets.begin(), octets.end()});
  }
  write(folder / "hmac",
        with_tail(request, {0x80, 7, 0, 0, 0x80, 8, 0, 16, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 6}));
  wire::Buffer impossible(request.begin(), request.end());
  impossible[13] = 0;  // multiplier 0
  write(folder / "multiplier-0", impossible);
  write(folder / "zeros", wire::Buffer(44, 0));
  write(folder / "ones", wire::Buffer(1500, 0xff));
  write(folder / "empty", {});
  wire::Buffer header{0x53, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0, 0};
  write(folder / "transfer-header", header);
  header[18] = 64;
  write(folder / "transfer-header-stream-64", header);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: make_fuzz_seeds FOLDER\n", stderr);
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  write_wire_seeds(folder / "wire");
  write_stamp_seeds(folder / "stamp");
  return 0;
}
