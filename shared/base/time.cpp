#include "shared/base/time.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace sonde {
namespace {

using Days = std::chrono::sys_days;

/// Reads exactly `digits` decimal digits off the front of `text`.
bool take_number(std::string_view& text, std::size_t digits, int& value) {
  if (text.size() < digits) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, value);
  if (error != std::errc() || end != text.data() + digits || text[0] == '-') return false;
  text.remove_prefix(digits);
  return true;
}

bool take_char(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text[0]) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

/// ".123456789": up to nine digits count, further ones are dropped.
bool take_fraction(std::string_view& text, std::int64_t& ns) {
  ns = 0;
  if (!take_char(text, ".")) return true;
  std::int64_t scale = 100'000'000;
  std::size_t digits = 0;
  while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
    ns += (text[0] - '0') * scale;
    scale /= 10;
    ++digits;
    text.remove_prefix(1);
  }
  return digits > 0;
}

bool take_offset(std::string_view& text, std::int64_t& seconds) {
  seconds = 0;
  if (take_char(text, "Zz")) return true;
  if (text.empty() || (text[0] != '+' && text[0] != '-')) return false;
  const bool negative = text[0] == '-';
  text.remove_prefix(1);
  int hours = 0;
  int minutes = 0;
  if (!take_number(text, 2, hours) || !take_char(text, ":") || !take_number(text, 2, minutes)) return false;
  if (hours > 23 || minutes > 59) return false;
  seconds = (hours * 3600 + minutes * 60) * (negative ? -1 : 1);
  return true;
}

Expected<SharedTime> parse_epoch_seconds(std::string_view text) {
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  std::string_view rest(end, static_cast<std::size_t>(text.data() + text.size() - end));
  std::int64_t ns = 0;
  if (error != std::errc() || seconds < 0 || seconds > 9'000'000'000 || !take_fraction(rest, ns) || !rest.empty())
    return fail("not a time; write it as 2026-11-20T12:00:00Z or as seconds since 1970");
  return shared_from_ns(seconds * 1'000'000'000 + ns);
}

}  // namespace

nanoseconds from_seconds(double seconds) { return nanoseconds(std::llround(seconds * 1e9)); }

std::string format_rfc3339(SharedTime t) {
  using namespace std::chrono;
  const sys_time<nanoseconds> point(t.time_since_epoch());
  const auto day = floor<days>(point);
  const year_month_day date(day);
  const hh_mm_ss<nanoseconds> time(point - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count(), time.subseconds().count() / 1000);
}

Expected<SharedTime> parse_time(std::string_view text) {
  using namespace std::chrono;
  if (text.find_first_of("-:", 1) == std::string_view::npos) return parse_epoch_seconds(text);
  int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0;
  std::int64_t ns = 0;
  std::int64_t offset = 0;
  const bool shape = take_number(text, 4, y) && take_char(text, "-") && take_number(text, 2, mo) &&
                     take_char(text, "-") && take_number(text, 2, d) && take_char(text, "Tt ") &&
                     take_number(text, 2, h) && take_char(text, ":") && take_number(text, 2, mi) &&
                     take_char(text, ":") && take_number(text, 2, s) && take_fraction(text, ns) &&
                     take_offset(text, offset) && text.empty();
  const year_month_day date{year(y), month(static_cast<unsigned>(mo)), day(static_cast<unsigned>(d))};
  if (!shape || !date.ok() || y < 1970 || y > 2200 || h > 23 || mi > 59 || s > 60)
    return fail("not a time; write it as 2026-11-20T12:00:00Z or as seconds since 1970");
  const auto point = Days(date) + hours(h) + minutes(mi) + seconds(s - offset) + nanoseconds(ns);
  return SharedTime(point.time_since_epoch());
}

}  // namespace sonde
