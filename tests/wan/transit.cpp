#include "tests/wan/transit.h"

#include <algorithm>

#include "shared/base/error.h"

namespace sonde::wan {

std::span<std::byte> Transit::spare() {
  if (free_.empty()) {
    if (buffers_.size() >= most_packets) return {};
    free_.push_back(static_cast<std::uint32_t>(buffers_.size()));
    buffers_.emplace_back(most_octets);
  }
  return buffers_[free_.back()];
}

void Transit::keep(std::size_t octets, std::size_t to, std::size_t path, MonoTime departs) {
  SONDE_ASSERT(!free_.empty() && octets <= most_octets);
  heap_.push({.departs = departs,
              .order = order_++,
              .buffer = free_.back(),
              .octets = static_cast<std::uint32_t>(octets),
              .to = static_cast<std::uint32_t>(to),
              .path = static_cast<std::uint32_t>(path)});
  free_.pop_back();
}

bool Transit::keep_copy(std::span<const std::byte> packet, std::size_t to, std::size_t path, MonoTime departs) {
  const auto buffer = spare();
  if (buffer.empty()) return false;
  std::ranges::copy(packet, buffer.begin());
  keep(packet.size(), to, path, departs);
  return true;
}

std::optional<MonoTime> Transit::next_departure() const {
  if (heap_.empty()) return std::nullopt;
  return heap_.top().departs;
}

std::optional<Due> Transit::due(MonoTime now) const {
  if (heap_.empty() || heap_.top().departs > now) return std::nullopt;
  const Entry& entry = heap_.top();
  return Due{.to = entry.to,
             .path = entry.path,
             .departs = entry.departs,
             .packet = std::span(buffers_[entry.buffer]).first(entry.octets)};
}

void Transit::pop() {
  SONDE_ASSERT(!heap_.empty());
  free_.push_back(heap_.top().buffer);
  heap_.pop();
}

}  // namespace sonde::wan
