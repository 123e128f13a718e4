#include "tests/ui/mesh/world.h"

#include <array>
#include <chrono>
#include <cmath>
#include <numbers>

#include "shared/base/location.h"

namespace sonde::page {
namespace {

using namespace std::chrono_literals;

struct Known {
  const char* name;
  double latitude;
  double longitude;
  const char* group;
};

constexpr std::array<Known, 30> known{{
    {"berlin", 52.52, 13.40, "central"},  {"athens", 37.98, 23.73, "south"},     {"gdansk", 54.35, 18.65, "east"},
    {"lisbon", 38.72, -9.14, "south"},    {"oslo", 59.91, 10.75, "north"},       {"paris", 48.86, 2.35, "central"},
    {"vienna", 48.21, 16.37, "central"},  {"zurich", 47.37, 8.54, "central"},    {"dublin", 53.35, -6.26, "north"},
    {"madrid", 40.42, -3.70, "south"},    {"rome", 41.90, 12.50, "south"},       {"prague", 50.08, 14.44, "central"},
    {"warsaw", 52.23, 21.01, "east"},     {"helsinki", 60.17, 24.94, "north"},   {"riga", 56.95, 24.11, "east"},
    {"vilnius", 54.69, 25.28, "east"},    {"tallinn", 59.44, 24.75, "north"},    {"sofia", 42.70, 23.32, "south"},
    {"zagreb", 45.81, 15.98, "south"},    {"bern", 46.95, 7.45, "central"},      {"brussels", 50.85, 4.35, "central"},
    {"hamburg", 53.55, 9.99, "central"},  {"munich", 48.14, 11.58, "central"},   {"lyon", 45.76, 4.84, "central"},
    {"porto", 41.15, -8.61, "south"},     {"milan", 45.46, 9.19, "south"},       {"turin", 45.07, 7.69, "south"},
    {"stockholm", 59.33, 18.07, "north"}, {"copenhagen", 55.68, 12.57, "north"}, {"krakow", 50.06, 19.94, "east"},
}};

/// The round trip of light in fibre (c / 1.468), seconds.
double light_s(const Town& a, const Town& b) {
  return 2 * great_circle_m({a.latitude, a.longitude}, {b.latitude, b.longitude}) * 1.468 / 299'792'458.0;
}

/// Busy in working hours, quiet at night and at the week's end.
double business(SharedTime at) {
  const double hour = std::fmod(static_cast<double>(to_ns(at)) / 3.6e12, 24 * 7);
  const double day = std::fmod(std::floor(hour / 24) + 3, 7);  // 1970-01-01 was a Thursday; 0 is Monday
  const double of_day = std::fmod(hour, 24);
  return day < 5 && of_day > 7 && of_day < 18 ? 1 + 0.5 * std::sin((of_day - 7) / 11 * std::numbers::pi) : 1;
}

}  // namespace

World::World(std::size_t sites, bool well) {
  for (std::size_t i = 0; i < sites; ++i) {
    const Known& near = known[i % known.size()];
    const std::size_t round = i / known.size();
    const auto ring = static_cast<double>(round);
    Town town{near.name, near.latitude, near.longitude, near.group};
    if (ring > 0) {
      town.name += "-" + std::to_string(round + 1);
      town.latitude += 1.5 * (random_.unit() - 0.5) * ring;
      town.longitude += 2.5 * (random_.unit() - 0.5) * ring;
    }
    towns_.push_back(town);
  }
  links_.resize(sites * sites);
  for (std::size_t from = 0; from < sites; ++from)
    for (std::size_t to = 0; to < sites; ++to) {
      LinkModel& model = link(from, to);
      model.base_s = light_s(towns_[from], towns_[to]) * (1.15 + 0.8 * random_.unit() * random_.unit()) + 0.0008;
      model.spread_s = 0.0001 * std::exp(3.5 * random_.unit());
      model.loss = random_.below(14) == 0 ? 0.06 * random_.unit() : 0.0004 * random_.unit();
      model.rate = std::pow(10, 7.3 + 1.7 * random_.unit());
      model.dead = random_.below(60) == 0;
      model.two_ways = random_.below(6) == 0;
      if (well) model.loss = 0;
      if (well) model.dead = false;
    }
}

Result World::blank(std::size_t from, std::size_t to, SharedTime at, Probe probe) const {
  Result result;
  result.id.from = SiteId::known(towns_[from].name);
  result.to = SiteId::known(towns_[to].name);
  result.probe = probe;
  result.scheduled_at = at - 11s;
  result.started_at = result.scheduled_at + 200us;
  result.finished_at = at;
  return result;
}

Result World::latency(std::size_t from, std::size_t to, SharedTime at) {
  constexpr std::uint64_t samples = 25;
  const LinkModel& model = link(from, to);
  Result result = blank(from, to, at, Probe::latency);
  if (model.dead) {
    result.outcome = Outcome::timeout;
    result.reason = "no reply within 2 s <script>alert('x')</script>";  // a peer may say anything
    result.ratios = {{Metric::loss_rtt, samples, samples}};
    return result;
  }
  Distribution rtt;
  std::uint64_t lost = 0;
  const double busy = business(at);
  const double longer = model.two_ways && random_.below(3) == 0 ? 1.3 : 1;
  for (std::uint64_t i = 0; i < samples; ++i) {
    if (random_.unit() < model.loss * busy) {
      ++lost;
      continue;
    }
    const double wait = -std::log(1 - random_.unit()) * model.spread_s * busy * busy;
    rtt.add(std::llround(1e9 * (model.base_s * longer + wait)));
  }
  result.distributions = {{Metric::rtt, rtt}};
  result.values = {{Metric::jitter, model.spread_s * busy * (0.8 + 0.4 * random_.unit())}};
  result.ratios = {{Metric::loss, lost, samples}, {Metric::loss_rtt, lost, samples}};
  return result;
}

Result World::connect(std::size_t from, std::size_t to, SharedTime at) {
  const LinkModel& model = link(from, to);
  Result result = blank(from, to, at, Probe::connect);
  result.scheduled_at = at - 1s;
  result.started_at = result.scheduled_at;
  result.ratios = {{Metric::connectivity, model.dead ? 0U : 1U, 1}};
  if (model.dead) {
    result.outcome = Outcome::timeout;
    result.reason = "no answer to the SYN within 10 s";
    return result;
  }
  const double seconds = model.base_s + model.spread_s * random_.unit() + 0.00006;
  result.values = {{Metric::connect, seconds}, {Metric::connect_clean, seconds}, {Metric::handshake_rtt, model.base_s}};
  result.details = {{"syn_retransmits", 0}};
  return result;
}

Result World::throughput(std::size_t from, std::size_t to, SharedTime at) {
  const LinkModel& model = link(from, to);
  Result result = blank(from, to, at, Probe::throughput);
  result.scheduled_at = at - 5s;
  result.started_at = result.scheduled_at + 1ms;
  if (model.dead) {
    result.outcome = Outcome::timeout;
    result.reason = "the far site did not answer";
    return result;
  }
  const double rate = model.rate * (0.9 + 0.15 * random_.unit()) / business(at);
  result.values = {{Metric::throughput, rate},
                   {Metric::throughput_total, rate * 0.94},
                   {Metric::retransmits, static_cast<double>(random_.below(30))}};
  result.details = {{"bytes", rate / 8 * 3}, {"limited_by", static_cast<double>(random_.below(3))}};
  return result;
}

}  // namespace sonde::page
