// How many fields a record has (fields.h), so that its array's header can be written before them. Private to codec.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "shared/schedule/timetable.h"

namespace sonde::wire {

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
  void slots(Timetable&) { ++count; }
  void appended_packed_slots(Timetable&) { ++count; }
};

}  // namespace sonde::wire
