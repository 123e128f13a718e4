// Numbers as people read them. Pure.
#pragma once

#include <string>
#include <string_view>

namespace sonde {

/// Three significant digits with the prefix that suits: "12.3 ms", "94.1 Mbit/s", "0.50 %", "3.00". `unit` as in the
/// API: "s", "bit/s", "ratio", "1".
std::string human(double value, std::string_view unit);

/// A stretch of time in its two largest parts: "3 s", "4 min 5 s", "2 h 10 min", "3 d 4 h"; "?" beyond 1,000 years.
std::string human_age(double seconds);

/// The same where parts of a second matter: "0.2 s", "12.4 s", from a minute on as human_age.
std::string human_stretch(double seconds);

/// "1.2 GB", powers of ten.
std::string human_bytes(double bytes);

}  // namespace sonde
