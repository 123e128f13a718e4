// The command line of `sonde` as values.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace sonde::cli {

enum class Format : std::uint8_t { table, json, csv, markdown, html };
enum class Verb : std::uint8_t {
  matrix,
  link,
  sites,
  timetable,
  results,
  report,
  incidents,
  explain,
  series,
  histogram,
  profile,
  detours,
  probe,
  silences,
  silence_add,
  silence_end,
  acknowledge,
  rules_test,
  plan,
  doctor,
  keygen,
};

struct Options {
  std::string coordinator;  ///< URL without a slash at the end
  Format format = Format::table;
  Verb verb = Verb::matrix;
  std::string from;
  std::string to;
  std::string config;                  ///< plan, doctor, rules test
  std::string since;                   ///< rules test: a time, or a duration before now
  std::string until;                   ///< likewise; empty: now
  std::vector<std::string> add_sites;  ///< plan: NAME or NAME:UPLINK
  std::string gantt;                   ///< plan: where the chart goes; empty: none is drawn
  bool audit = false;                  ///< timetable: what really ran
  bool links = false;                  ///< plan: each link's bytes as well
  std::string name;                    ///< keygen
  std::string kind;                    ///< probe
  bool measurer = false;               ///< sites: how well the agents measure
  bool watch = false;                  ///< matrix: again and again
  std::chrono::milliseconds every{};   ///< matrix: how often it is asked for where it is watched
  std::string course;                  ///< link: the metric whose past is drawn; empty: the usual ones
  std::string incident;                ///< incidents: the id of one; empty: all; acknowledge: which
  std::string token_file;              ///< what changes anything; empty: none was named
  std::string silence;                 ///< silence end: which
  bool withdraw = false;               ///< acknowledge: take it back
  /// silence add: by key (site, cause, ...) which incidents are meant.
  std::map<std::string, std::vector<std::string>> matchers;
  /// silence add, acknowledge: what goes into the body as it is (reason, author, duration, starts_at, ends_at).
  std::map<std::string, std::string> said;
  std::string output;  ///< report: the file that it goes to; empty: standard output
  /// Names and values that go into the query as they are.
  std::vector<std::pair<std::string, std::string>> query;
};

/// The options, or the exit code where --help or --version was asked for (0, printed) or the usage is wrong (2, said on
/// standard error).
std::variant<Options, int> parse_options(int argc, const char* const* argv);

/// "http://" where no scheme is given, no slash at the end.
std::string normal_url(std::string url);

}  // namespace sonde::cli
