#include "tests/wan/path.h"

#include <algorithm>
#include <utility>

#include "shared/base/random.h"

namespace sonde::wan {
namespace {

nanoseconds serialisation(double octets, BitsPerSecond rate) { return from_seconds(octets * 8 / rate.value); }

double octets_of(const QueueLimit& limit, BitsPerSecond rate) {
  if (const auto* bytes = std::get_if<Bytes>(&limit)) return static_cast<double>(bytes->count);
  return to_seconds(std::get<nanoseconds>(limit)) * rate.value / 8;
}

}  // namespace

Path::Path(std::uint64_t seed, std::uint64_t path_number) : seed_(Random(seed).next() ^ Random(~path_number).next()) {}

void Path::set(const PathSettings& settings) {
  if (!before_) before_ = settings_;
  settings_ = settings;
}

/// What waits stands before the new bottleneck.
void Path::change_line(MonoTime now, const PathSettings& before) {
  if (!before.rate || (before.rate == settings_.rate && before.bucket == settings_.bucket)) return;
  const auto bucket = [](const PathSettings& path) {
    return serialisation(static_cast<double>(path.bucket.count), *path.rate);
  };
  const nanoseconds waiting = line_free_ - bucket(before) - now;
  line_free_ = now;
  if (waiting.count() <= 0 || !settings_.rate) return;
  const double octets = to_seconds(waiting) * before.rate->value / 8;
  line_free_ += serialisation(octets, *settings_.rate) + bucket(settings_);
}

Path::Draws Path::draw() {
  Random random(seed_ + packets_ * 0xd1342543de82ef95U);
  ++packets_;
  // All four, always, so that one setting's change leaves the others' draws alone.
  const double loss = random.unit();
  const double jitter = random.unit();
  const double reorder = random.unit();
  return {.loss = loss, .jitter = jitter, .reorder = reorder, .duplicate = random.unit()};
}

bool Path::lost(double draw) {
  if (settings_.loss_burst <= 1 || settings_.loss <= 0 || settings_.loss >= 1) {
    in_burst_ = false;
    return draw < settings_.loss;
  }
  const double leave = 1 / settings_.loss_burst;
  const double enter = std::min(1.0, leave * settings_.loss / (1 - settings_.loss));
  in_burst_ = in_burst_ ? draw >= leave : draw < enter;
  return in_burst_;
}

std::optional<MonoTime> Path::through_bottleneck(MonoTime now, std::uint32_t octets) {
  if (before_) change_line(now, *std::exchange(before_, std::nullopt));
  if (!settings_.rate) return now;
  const BitsPerSecond rate = *settings_.rate;
  const nanoseconds bucket = serialisation(static_cast<double>(settings_.bucket.count), rate);
  const MonoTime start = std::max(now, line_free_);
  const nanoseconds waiting = start - bucket - now;
  const double backlog = waiting.count() > 0 ? to_seconds(waiting) * rate.value / 8 : 0;
  // An idle line takes any packet, however short the queue is.
  if (backlog > 0 && backlog + octets > octets_of(settings_.queue, rate)) return std::nullopt;
  line_free_ = start + serialisation(octets, rate);
  return std::max(now, line_free_ - bucket);
}

Fate Path::on_packet(MonoTime now, std::uint32_t octets) {
  const Draws draws = draw();
  if (!settings_.up) return {.drop = Drop::down};
  if (octets > settings_.mtu) return {.drop = Drop::mtu};
  if (lost(draws.loss)) return {.drop = Drop::loss};
  const auto sent = through_bottleneck(now, octets);
  if (!sent) return {.drop = Drop::queue};

  const auto jitter =
      nanoseconds(static_cast<std::int64_t>((2 * draws.jitter - 1) * static_cast<double>(settings_.jitter.count())));
  MonoTime departs = std::max({*sent + settings_.delay + jitter, last_departure_, now});
  if (draws.reorder < settings_.reorder) {
    departs += settings_.reorder_by;
  } else {
    last_departure_ = departs;
  }
  const bool twice = draws.duplicate < settings_.duplicate;
  return {.drop = Drop::none, .copies = twice ? 2U : 1U, .departs = {departs, departs}};
}

}  // namespace sonde::wan
