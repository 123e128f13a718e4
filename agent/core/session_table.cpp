#include "agent/core/session_table.h"

#include <cstring>

namespace sonde {

SessionTable::SessionTable() : heads_(buckets, none) {}

std::size_t SessionTable::bucket_of(const SessionKey& key) {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  std::memcpy(&high, key.from.address.octets.data(), sizeof high);
  std::memcpy(&low, key.from.address.octets.data() + sizeof high, sizeof low);
  // Multiply and take the upper bits (Knuth, 6.4): ports and SSIDs that count up spread out.
  std::uint64_t mixed = high ^ (std::uint64_t{key.from.port} << 16U | key.ssid);
  mixed = (mixed ^ (mixed >> 32U)) * 0x9E37'79B9'7F4A'7C15U;
  mixed = (mixed ^ low ^ (mixed >> 29U)) * 0xBF58'476D'1CE4'E5B9U;
  return static_cast<std::size_t>(mixed >> 32U) % buckets;
}

SessionTable::Index SessionTable::lookup(const SessionKey& key) const {
  Index index = heads_[bucket_of(key)];
  while (index != none && entries_[index].key != key) index = entries_[index].chain;
  return index;
}

ReflectorSession* SessionTable::find(const SessionKey& key) {
  const Index index = lookup(key);
  return index == none ? nullptr : &entries_[index].session;
}

SessionTable::Touched SessionTable::touch(const SessionKey& key) {
  Index index = lookup(key);
  const bool is_new = index == none;
  const bool full = entries_.size() == capacity;
  const WallTime evicted_at = is_new && full ? entries_[oldest_].session.last_received : WallTime{};
  if (is_new) index = make(key);
  if (newest_ != index) {
    if (!is_new) detach(index);
    make_newest(index);
  }
  return {entries_[index].session, is_new && full, evicted_at};
}

SessionTable::Index SessionTable::make(const SessionKey& key) {
  Index index = static_cast<Index>(entries_.size());
  if (entries_.size() == capacity) {
    index = oldest_;
    unchain(index);
    detach(index);
    entries_[index] = {};
  } else {
    entries_.emplace_back();
  }
  Index& head = heads_[bucket_of(key)];
  entries_[index].key = key;
  entries_[index].chain = head;
  head = index;
  return index;
}

void SessionTable::unchain(Index index) {
  Index* at = &heads_[bucket_of(entries_[index].key)];
  while (*at != index) at = &entries_[*at].chain;
  *at = entries_[index].chain;
}

void SessionTable::detach(Index index) {
  const Entry& entry = entries_[index];
  (entry.newer == none ? newest_ : entries_[entry.newer].older) = entry.older;
  (entry.older == none ? oldest_ : entries_[entry.older].newer) = entry.newer;
}

void SessionTable::make_newest(Index index) {
  Entry& entry = entries_[index];
  entry.newer = none;
  entry.older = newest_;
  if (newest_ != none) entries_[newest_].newer = index;
  newest_ = index;
  if (oldest_ == none) oldest_ = index;
}

}  // namespace sonde
