#include "coordinator/io/baseline_reader.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <map>
#include <system_error>

#include "coordinator/store/reader.h"

namespace sonde::io {
namespace {

struct Wanted {
  Probe probe;
  MetricMask metrics;
};

std::array<Wanted, 2> wanted() {
  return {Wanted{Probe::latency, mask_of(Metric::rtt) | mask_of(Metric::delay_rise) | mask_of(Metric::delay)},
          Wanted{Probe::throughput, mask_of(Metric::throughput)}};
}

/// Empty in `trouble` where all went well.
std::string read_site(store::Reader& reader, SharedTime hour, const SiteId& from, BaselineReader::Piece& piece) {
  std::map<SiteId, HourWeeks> links;
  for (std::size_t week = 0; week < baseline_weeks; ++week)
    for (const Wanted& one : wanted()) {
      const SharedTime since = hour_in_week(hour, week);
      const RollQuery query{.from = from,
                            .probe = one.probe,
                            .metrics = one.metrics,
                            .since = since,
                            .until = since + span_of(RollLevel::hour)};
      const auto done =
          reader.roll_ups(query, [&](const SiteId& to, SharedTime, const RollUp& roll) { links[to].add(week, roll); });
      if (!done) return done.error().what;
    }
  for (const auto& [to, weeks] : links)
    if (HourBaseline baseline = weeks.baseline(); !baseline.empty()) piece.links.emplace_back(to, std::move(baseline));
  return {};
}

}  // namespace

BaselineReader::BaselineReader(std::filesystem::path store)
    : store_(std::move(store)), stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!stop_) throw std::system_error(errno, std::generic_category(), "create an eventfd");
  thread_ = std::thread([this] { run(); });
}

BaselineReader::~BaselineReader() {
  stopping_ = true;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(stop_.get(), &one, sizeof one);
  thread_.join();
}

void BaselineReader::run() {
  while (!stopping_) {
    std::array<pollfd, 2> waits{pollfd{orders_.fd(), POLLIN, 0}, pollfd{stop_.get(), POLLIN, 0}};
    if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) return;
    for (const Order& order : orders_.take_all()) {
      try {
        read(order);
      } catch (const std::exception& error) {
        pieces_.push({.hour = order.hour, .from = {}, .links = {}, .last = true, .trouble = error.what()});
      }
    }
  }
}

void BaselineReader::read(const Order& order) {
  store::Reader reader(store_);
  for (const SiteId& site : order.sites) {
    if (stopping_) return;
    Piece piece{.hour = order.hour, .from = site, .links = {}, .last = false, .trouble = {}};
    piece.trouble = read_site(reader, order.hour, site, piece);
    if (!piece.trouble.empty()) {
      piece.last = true;
      pieces_.push(std::move(piece));
      return;
    }
    if (!piece.links.empty()) pieces_.push(std::move(piece));
  }
  pieces_.push({.hour = order.hour, .from = {}, .links = {}, .last = true, .trouble = {}});
}

}  // namespace sonde::io
