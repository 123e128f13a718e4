// How many fields a record of the protocol has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sonde::wire {

/// Counts a record's fields, so that its array's header can be written before them.
struct FieldCounter {
  std::uint32_t count = 0;
  template <typename T>
  void operator()(T&) {
    ++count;
  }
  template <typename T>
  void appended(T&) {
    ++count;
  }
  void text(std::string&) { ++count; }
  void appended_text(std::string&) { ++count; }
  void texts(std::vector<std::string>&, std::size_t) { ++count; }
  template <typename T>
  void list(std::vector<T>&, std::size_t) {
    ++count;
  }
  template <typename T>
  void appended_list(std::vector<T>&, std::size_t) {
    ++count;
  }
};

}  // namespace sonde::wire
