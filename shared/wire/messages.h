// Every message between the programs, as values. Layout on the wire: docs/protocol.md; codec: codec.h.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/base/units.h"
#include "shared/measure/path_trace.h"
#include "shared/measure/result.h"
#include "shared/schedule/timetable.h"

namespace sonde::wire {

/// The protocol's version, first in every message. A receiver refuses another one.
inline constexpr std::uint32_t version = 1;

// ---- agent -> coordinator
// --------------------------------------------------------------------------------------------------

/// First message after a connection is made and whenever the coordinator asks for it (it does not know the agent yet).
struct Hello {
  SiteId site;  ///< must be the site that the CURVE key belongs to
  std::string agent_version;
  std::uint64_t spool = 0;     ///< the spool's random number; 0: the agent has none yet
  std::uint64_t last_seq = 0;  ///< highest seq that the spool has given out
  Generation generation;       ///< of the timetable that the agent has
  std::string boot_id;         ///< /proc/sys/kernel/random/boot_id: equal ids share one clock
  std::uint16_t port = 0;      ///< its listen.port
  bool operator==(const Hello&) const = default;
};

/// What an agent says of itself, once a second; also the question of a clock exchange (NTP's four times, RFC 5905
/// section 8).
struct Heartbeat {
  WallTime sent_at;           ///< the agent's wall time
  std::uint64_t spooled = 0;  ///< results not acknowledged yet
  Generation generation;
  std::optional<nanoseconds> clock_error;  ///< +- bound of the agent's wall clock against UTC, where known
  nanoseconds send_lateness_p99{0};        ///< of the latency probes' send instants
  nanoseconds slot_lateness_p99{0};        ///< of throughput slot starts
  std::uint64_t socket_drops = 0;          ///< packets that the probe socket had no room for
  double cpu_pressure = 0;                 ///< share of the last 10 s in which some task waited for CPU (PSI), 0 to 1
  std::uint64_t listen_overflows = 0;      ///< how often an accept queue of the host was full, since it was started
  bool cpu_pressure_known = true;          ///< false: the kernel does not tell it, and cpu_pressure is 0
  nanoseconds send_lateness_p50{0};        ///< this and the spreads below: of the last 30 to 60 s
  nanoseconds send_lateness_max{0};
  nanoseconds slot_lateness_p50{0};  ///< of the last 100 slot starts
  nanoseconds slot_lateness_max{0};
  nanoseconds hold_p50{0};  ///< from a request's arrival to its reply, in the own reflector
  nanoseconds hold_p99{0};
  nanoseconds hold_max{0};
  std::uint64_t lost_stamps = 0;            ///< probes whose departure the kernel did not stamp
  std::uint64_t results_dropped = 0;        ///< of latency, that were not taken from the packet thread in time
  std::uint64_t results_starved = 0;        ///< tagged so since the agent's start
  std::optional<nanoseconds> clock_offset;  ///< what it adds to its wall clock for shared time, once it knows
  nanoseconds clock_offset_error{0};        ///< +- of that
  bool clock_synchronised = false;          ///< the kernel says that a daemon keeps the clock
  bool real_time = true;                    ///< the packet thread has real-time priority
  bool operator==(const Heartbeat&) const = default;
};

/// Results in order of seq, at most limits::results_per_message.
struct ResultBatch {
  std::vector<Result> results;
  bool operator==(const ResultBatch&) const = default;
};

/// The agent stops on purpose.
struct Goodbye {
  bool operator==(const Goodbye&) const = default;
};

// ---- coordinator -> agent
// --------------------------------------------------------------------------------------------------

struct Welcome {
  std::string mesh;
  std::uint64_t last_seq = 0;  ///< highest seq of this site that is stored; a new spool goes on after it
  bool operator==(const Welcome&) const = default;
};

/// "I do not know you (any more): say Hello."
struct WhoAreYou {
  bool operator==(const WhoAreYou&) const = default;
};

struct HeartbeatReply {
  WallTime sent_at;        ///< copied from the heartbeat
  SharedTime received_at;  ///< when the coordinator read it
  SharedTime replied_at;
  bool operator==(const HeartbeatReply&) const = default;
};

/// The part of the timetable that the agent needs (Timetable::for_site).
struct NewTimetable {
  Timetable timetable;
  bool operator==(const NewTimetable&) const = default;
};

/// Everything up to and including seq of this spool is stored; the agent may forget it.
struct Acknowledge {
  std::uint64_t spool = 0;
  std::uint64_t seq = 0;
  bool operator==(const Acknowledge&) const = default;
};

/// Facts about the other agents that are not configuration; sent after Welcome and when one changes.
struct PeerFact {
  SiteId site;
  std::string boot_id;
  std::optional<nanoseconds> clock_error;
  bool operator==(const PeerFact&) const = default;
};
struct PeerFacts {
  std::vector<PeerFact> peers;
  bool operator==(const PeerFacts&) const = default;
};

// ---- agent <-> agent (throughput)
// ------------------------------------------------------------------------------------------

/// Names one transfer, and is what the data connection must show.
using Token = std::array<std::uint8_t, 16>;

/// From the data's sender: "let us do this run now".
struct TransferOffer {
  Token token{};
  Generation generation;
  Round round;
  Link link;  ///< direction of the data
  std::uint32_t streams = 1;
  nanoseconds duration{0};      ///< aimed at
  nanoseconds max_duration{0};  ///< never longer
  Bytes max_bytes;
  Probe probe = Probe::throughput;  ///< throughput or duplex: the same again from the other side, at the same time
  bool receiver_opens = false;      ///< the one who gets this opens the connections: nobody can reach it
  bool operator==(const TransferOffer&) const = default;
};

/// The other agent's answer: ready (port is where to connect), or busy, or refused with a reason.
struct TransferAnswer {
  Token token{};
  Outcome outcome = Outcome::ok;  ///< ok, busy or refused
  std::string reason;
  bool operator==(const TransferAnswer&) const = default;
};

/// All data connections stand: the sender begins to write.
struct TransferGo {
  Token token{};
  bool operator==(const TransferGo&) const = default;
};

/// From the data's receiver: the run is over, and this is what it saw. The sender stops writing when it gets it.
struct TransferFinished {
  Token token{};
  Outcome outcome = Outcome::ok;
  std::string reason;
  std::uint32_t tags = 0;
  std::vector<SingleValue> values;
  std::vector<Detail> details;
  bool operator==(const TransferFinished&) const = default;
};

/// Either side gives up; nothing more will come for this token.
struct TransferAbort {
  Token token{};
  std::string reason;
  bool operator==(const TransferAbort&) const = default;
};

// ---- runs on demand (coordinator -> agent, and back)
// ------------------------------------------------------------------------------------------

/// "Do this run at that instant": somebody asked for it. The same id again with another start replaces the order as
/// long as the run has not begun. Its result has Tag::on_demand and the detail `demand` with this id.
struct RunOrder {
  std::uint64_t id = 0;  ///< > 0, below 2^53; never given twice
  Probe probe = Probe::latency;
  Link link;                 ///< begins at the agent that gets the order
  SharedTime start;          ///< no slot and no other order is in the way from here
  nanoseconds length{0};     ///< to here: everything must be over
  nanoseconds timeout{0};    ///< of a latency probe or a handshake
  std::uint32_t probes = 0;  ///< latency: how many
  nanoseconds interval{0};   ///< latency: between them
  bool operator==(const RunOrder&) const = default;
};

/// Where an ordered run is: once when the order was taken, then twice a second while it is under way.
struct RunProgress {
  std::uint64_t id = 0;
  std::uint32_t stage = 0;  ///< 0: taken, 1: under way
  nanoseconds elapsed{0};   ///< since its start
  std::uint64_t bytes = 0;  ///< of user data so far, as far as this side knows; 0 where it does not
  bool operator==(const RunProgress&) const = default;
};

// ---- a person's question from a site (agent's key -> coordinator, and back)
// ------------------------------------------------------------------------------------------

/// "What do you know of this site?" Asked by `sonde doctor` with the site's key; the agent's session stays as it is.
struct Inquiry {
  SiteId site;  ///< must be the site that the CURVE key belongs to
  std::string version;
  bool operator==(const Inquiry&) const = default;
};

/// A probe on a link as the live matrix has it.
struct LinkNews {
  Link link;
  Probe probe = Probe::latency;
  std::string state;               ///< a cell's state (docs/api.md)
  std::optional<nanoseconds> age;  ///< of the newest result; nullopt: there is none
  bool operator==(const LinkNews&) const = default;
};

/// The answer to an Inquiry.
struct Situation {
  std::string mesh;
  SharedTime now;                      ///< when the coordinator wrote it
  std::optional<nanoseconds> silence;  ///< since the site's agent was heard; nullopt: never
  std::string agent_version;           ///< as that agent said; empty: never heard
  Timetable timetable;                 ///< Timetable::for_site
  std::vector<LinkNews> links;         ///< all links that begin or end at the site, each with its probes
  bool operator==(const Situation&) const = default;
};

// ---- the far half of a loss (coordinator -> agent, and back)
// ------------------------------------------------------------------------------------------

/// "How many of these probes have reached your reflector?" Asked of a link's far agent about those whose direction of
/// loss the sender cannot tell.
struct ArrivalQuestion {
  std::uint64_t id = 0;
  SiteId from;              ///< who sent them
  std::uint16_t ssid = 0;   ///< of their session (RFC 8972, 3)
  std::uint32_t first = 0;  ///< sequence numbers, both included; they may wrap
  std::uint32_t last = 0;
  SharedTime sent_at;  ///< of the first one or earlier
  bool operator==(const ArrivalQuestion&) const = default;
};
struct ArrivalQuestions {
  std::vector<ArrivalQuestion> questions;  ///< at most limits::arrival_questions
  bool operator==(const ArrivalQuestions&) const = default;
};

struct ArrivalAnswer {
  std::uint64_t id = 0;
  bool known = false;          ///< false: the reflector has not run for so long, or has forgotten
  std::uint64_t received = 0;  ///< distinct ones
  bool operator==(const ArrivalAnswer&) const = default;
};
struct ArrivalAnswers {
  std::vector<ArrivalAnswer> answers;
  bool operator==(const ArrivalAnswers&) const = default;
};

// ---- evidence of the way (coordinator -> agent, and back)
// ------------------------------------------------------------------------------------------

/// "Look at the way to that site": at the onset of an incident, and now and then while all is well.
struct EvidenceOrder {
  std::uint64_t id = 0;
  SiteId to;
  nanoseconds patience{0};  ///< not begun within this time of its arrival, it is answered with a trouble
  bool at_leisure = false;  ///< it waits until no throughput run is under way here, behind all that do not
  bool operator==(const EvidenceOrder&) const = default;
};

struct EvidenceTaken {
  std::uint64_t id = 0;
  SiteId to;
  PathTrace trace;
  bool operator==(const EvidenceTaken&) const = default;
};

using Message =
    std::variant<Hello, Heartbeat, ResultBatch, Goodbye, Welcome, WhoAreYou, HeartbeatReply, NewTimetable, Acknowledge,
                 PeerFacts, TransferOffer, TransferAnswer, TransferGo, TransferFinished, TransferAbort, RunOrder,
                 RunProgress, Inquiry, Situation, ArrivalQuestions, ArrivalAnswers, EvidenceOrder, EvidenceTaken>;

}  // namespace sonde::wire
