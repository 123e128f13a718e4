// A sorted list changed in place: for lists so long that making a new one would take most of the time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace sonde {

/// Takes the elements at the places `dropped` (ascending) out of the sorted `items` and puts those of `fresh` (sorted)
/// in, behind old ones that are equal. What stays together is moved as a whole.
template <typename T, typename Less>
void merge_in_place(std::vector<T>& items, std::span<const std::uint32_t> dropped, std::vector<T> fresh, Less less) {
  struct Part {
    std::ptrdiff_t begin;
    std::ptrdiff_t end;
    std::ptrdiff_t to;
  };
  std::vector<Part> parts;
  std::ptrdiff_t read = 0;
  std::ptrdiff_t write = 0;
  auto out = dropped.begin();
  const auto keep_until = [&](std::ptrdiff_t end) {
    while (read < end) {
      const bool drops = out != dropped.end() && static_cast<std::ptrdiff_t>(*out) < end;
      const std::ptrdiff_t stop = drops ? static_cast<std::ptrdiff_t>(*out) : end;
      if (stop > read) parts.push_back({read, stop, write});
      write += stop - read;
      read = stop;
      if (!drops) continue;
      ++read;
      ++out;
    }
  };
  std::vector<std::ptrdiff_t> places;
  places.reserve(fresh.size());
  for (const T& item : fresh) {
    keep_until(std::upper_bound(items.begin() + read, items.end(), item, less) - items.begin());
    places.push_back(write++);
  }
  keep_until(std::ssize(items));
  const auto size = static_cast<std::size_t>(write);
  if (size > items.size()) items.resize(size);
  // What goes to the right makes way for what stands before it, what goes to the left for what stands behind it.
  const auto first = items.begin();
  for (auto part = parts.rbegin(); part != parts.rend(); ++part)
    if (part->to > part->begin)
      std::move_backward(first + part->begin, first + part->end, first + part->to + (part->end - part->begin));
  for (const Part& part : parts)
    if (part.to < part.begin) std::move(first + part.begin, first + part.end, first + part.to);
  for (std::size_t k = 0; k < fresh.size(); ++k) first[places[k]] = std::move(fresh[k]);
  items.resize(size);
}

}  // namespace sonde
