// The field order of every record: the one place that codec.cpp's encoder, decoder and counter, and docs/protocol.md
// follow. A new field goes to the end of its record; a field is never removed or moved within a protocol version.
// `appended` (and appended_list, appended_text) mark fields that came after the protocol's first release: where an
// older program's record ends before one, it keeps its default.
#pragma once

#include "shared/base/limits.h"
#include "shared/wire/messages.h"

namespace sonde::wire {

template <typename Archive>
void fields(Archive& a, Link& v) {
  a(v.from);
  a(v.to);
}

template <typename Archive>
void fields(Archive& a, ConnectTarget& v) {
  a.text(v.address);
  a(v.port);
}

template <typename Archive>
void fields(Archive& a, Location& v) {
  a(v.latitude);
  a(v.longitude);
}

template <typename Archive>
void fields(Archive& a, Member& v) {
  a(v.site);
  a.texts(v.addresses, limits::addresses_per_site);
  a(v.port);
  a(v.inbound);
  a(v.has_agent);
  a(v.connect);
  a.text(v.public_key);
  a.appended(v.location);
  a.appended(v.uplink);
}

template <typename Archive>
void fields(Archive& a, ThroughputSlot& v) {
  a(v.round);
  a(v.link);
  a(v.start);
  a(v.length);
  a.appended(v.every);
}

template <typename Archive>
void fields(Archive& a, LinkPhase& v) {
  a(v.link);
  a(v.latency_phase);
  a(v.connect_phase);
}

template <typename Archive>
void fields(Archive& a, LatencyPolicy& v) {
  a(v.rate.per_second);
  a(v.every);
  a(v.timeout);
  a.appended(v.dscp);
  a.appended(v.authenticated);
}

template <typename Archive>
void fields(Archive& a, ConnectPolicy& v) {
  a(v.every);
  a(v.timeout);
}

template <typename Archive>
void fields(Archive& a, ThroughputPolicy& v) {
  a(v.every);
  a(v.duration);
  a(v.max_duration);
  a(v.max_bytes.count);
  a(v.streams);
  a.appended(v.full_duplex);
  a.appended_text(v.congestion);
  a.appended(v.iterations);
}

template <typename Archive>
void fields(Archive& a, QuietSite& v) {
  a(v.site);
  a(v.hours.from);
  a(v.hours.length);
}

template <typename Archive>
void fields(Archive& a, Policy& v) {
  a(v.latency);
  a(v.connect);
  a(v.throughput);
  a(v.autonomy);
}

template <typename Archive>
void fields(Archive& a, Timetable& v) {
  a(v.generation);
  a(v.effective_at);
  a(v.epoch);
  a(v.policy);
  a(v.throughput_every);
  a(v.rounds);
  a(v.cycle);
  a.list(v.members, limits::sites);
  a.slots(v);
  a.list(v.phases, limits::slots_per_timetable);
  a.appended_list(v.quiet, limits::quiet_hours_per_mesh);
  a.appended_packed_slots(v);
}

template <typename Archive>
void fields(Archive& a, SingleValue& v) {
  a(v.metric);
  a(v.value);
}

template <typename Archive>
void fields(Archive& a, RatioValue& v) {
  a(v.metric);
  a(v.hits);
  a(v.tries);
}

template <typename Archive>
void fields(Archive& a, DistributionValue& v) {
  a(v.metric);
  a(v.samples);
}

template <typename Archive>
void fields(Archive& a, Detail& v) {
  a.text(v.name);
  a(v.value);
}

template <typename Archive>
void fields(Archive& a, Result& v) {
  a(v.id.from);
  a(v.id.spool);
  a(v.id.seq);
  a(v.to);
  a(v.probe);
  a(v.generation);
  a(v.round);
  a(v.scheduled_at);
  a(v.started_at);
  a(v.finished_at);
  a(v.outcome);
  a(v.tags);
  a.text(v.reason);
  a.list(v.values, limits::values_per_result);
  a.list(v.ratios, limits::values_per_result);
  a.list(v.distributions, limits::distributions_per_result);
  a.list(v.details, limits::details_per_result);
}

template <typename Archive>
void fields(Archive& a, Hello& v) {
  a(v.site);
  a.text(v.agent_version);
  a(v.spool);
  a(v.last_seq);
  a(v.generation);
  a.text(v.boot_id);
  a(v.port);
}

template <typename Archive>
void fields(Archive& a, Heartbeat& v) {
  a(v.sent_at);
  a(v.spooled);
  a(v.generation);
  a(v.clock_error);
  a(v.send_lateness_p99);
  a(v.slot_lateness_p99);
  a(v.socket_drops);
  a(v.cpu_pressure);
  a.appended(v.listen_overflows);
  a.appended(v.cpu_pressure_known);
  a.appended(v.send_lateness_p50);
  a.appended(v.send_lateness_max);
  a.appended(v.slot_lateness_p50);
  a.appended(v.slot_lateness_max);
  a.appended(v.hold_p50);
  a.appended(v.hold_p99);
  a.appended(v.hold_max);
  a.appended(v.lost_stamps);
  a.appended(v.results_dropped);
  a.appended(v.results_starved);
  a.appended(v.clock_offset);
  a.appended(v.clock_offset_error);
  a.appended(v.clock_synchronised);
  a.appended(v.real_time);
}

template <typename Archive>
void fields(Archive& a, ResultBatch& v) {
  a.list(v.results, limits::results_per_message);
}

template <typename Archive>
void fields(Archive&, Goodbye&) {}

template <typename Archive>
void fields(Archive& a, Welcome& v) {
  a.text(v.mesh);
  a(v.last_seq);
}

template <typename Archive>
void fields(Archive&, WhoAreYou&) {}

template <typename Archive>
void fields(Archive& a, HeartbeatReply& v) {
  a(v.sent_at);
  a(v.received_at);
  a(v.replied_at);
}

template <typename Archive>
void fields(Archive& a, NewTimetable& v) {
  a(v.timetable);
}

template <typename Archive>
void fields(Archive& a, Acknowledge& v) {
  a(v.spool);
  a(v.seq);
}

template <typename Archive>
void fields(Archive& a, PeerFact& v) {
  a(v.site);
  a.text(v.boot_id);
  a(v.clock_error);
}

template <typename Archive>
void fields(Archive& a, PeerFacts& v) {
  a.list(v.peers, limits::sites);
}

template <typename Archive>
void fields(Archive& a, TransferOffer& v) {
  a(v.token);
  a(v.generation);
  a(v.round);
  a(v.link);
  a(v.streams);
  a(v.duration);
  a(v.max_duration);
  a(v.max_bytes.count);
  a.appended(v.probe);
  a.appended(v.receiver_opens);
}

template <typename Archive>
void fields(Archive& a, TransferAnswer& v) {
  a(v.token);
  a(v.outcome);
  a.text(v.reason);
}

template <typename Archive>
void fields(Archive& a, TransferGo& v) {
  a(v.token);
}

template <typename Archive>
void fields(Archive& a, TransferFinished& v) {
  a(v.token);
  a(v.outcome);
  a.text(v.reason);
  a(v.tags);
  a.list(v.values, limits::values_per_result);
  a.list(v.details, limits::details_per_result);
}

template <typename Archive>
void fields(Archive& a, TransferAbort& v) {
  a(v.token);
  a.text(v.reason);
}

template <typename Archive>
void fields(Archive& a, RunOrder& v) {
  a(v.id);
  a(v.probe);
  a(v.link);
  a(v.start);
  a(v.length);
  a(v.timeout);
  a(v.probes);
  a(v.interval);
}

template <typename Archive>
void fields(Archive& a, RunProgress& v) {
  a(v.id);
  a(v.stage);
  a(v.elapsed);
  a(v.bytes);
}

template <typename Archive>
void fields(Archive& a, Inquiry& v) {
  a(v.site);
  a.text(v.version);
}
template <typename Archive>
void fields(Archive& a, LinkNews& v) {
  a(v.link);
  a(v.probe);
  a.text(v.state);
  a(v.age);
}
template <typename Archive>
void fields(Archive& a, Situation& v) {
  a.text(v.mesh);
  a(v.now);
  a(v.silence);
  a.text(v.agent_version);
  a(v.timetable);
  a.list(v.links, limits::links_per_situation);
}

template <typename Archive>
void fields(Archive& a, ArrivalQuestion& v) {
  a(v.id);
  a(v.from);
  a(v.ssid);
  a(v.first);
  a(v.last);
  a(v.sent_at);
}

template <typename Archive>
void fields(Archive& a, ArrivalQuestions& v) {
  a.list(v.questions, limits::arrival_questions);
}

template <typename Archive>
void fields(Archive& a, ArrivalAnswer& v) {
  a(v.id);
  a(v.known);
  a(v.received);
}

template <typename Archive>
void fields(Archive& a, ArrivalAnswers& v) {
  a.list(v.answers, limits::arrival_questions);
}

template <typename Archive>
void fields(Archive& a, EvidenceOrder& v) {
  a(v.id);
  a(v.to);
  a(v.patience);
  a(v.at_leisure);
}

template <typename Archive>
void fields(Archive& a, Hop& v) {
  a(v.kind);
  a.text(v.address);
  a(v.rtt);
}

template <typename Archive>
void fields(Archive& a, InterfaceCounter& v) {
  a.text(v.name);
  a(v.total);
  a(v.change);
}

template <typename Archive>
void fields(Archive& a, PathTrace& v) {
  a(v.began_at);
  a(v.took);
  a.text(v.source);
  a.text(v.target);
  a.list(v.hops, limits::hops_per_trace);
  a(v.reached);
  a(v.sent);
  a(v.answered);
  a(v.mtu);
  a.text(v.mtu_told_by);
  a(v.mtu_black_hole);
  a.text(v.interface);
  a(v.interface_mtu);
  a.list(v.counters, limits::counters_per_trace);
  a.text(v.trouble);
}

template <typename Archive>
void fields(Archive& a, EvidenceTaken& v) {
  a(v.id);
  a(v.to);
  a(v.trace);
}

}  // namespace sonde::wire
