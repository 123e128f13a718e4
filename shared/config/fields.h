// Typed reading of a configuration tree that collects every mistake instead of stopping at the first.
//
//     Report report(file);
//     Fields root(Value(tree_root, "", report));
//     if (auto every = root.get("every")) assign(config.every, every->duration(1s, 1h));
//     root.finish();                       // complains about the keys that nobody asked for
//
// A reading function that does not find what it wants complains once and returns nullopt. Values keep references to the
// tree and the report, which must live longer.
#pragma once

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/endpoint.h"
#include "shared/base/ids.h"
#include "shared/base/time.h"
#include "shared/base/units.h"
#include "shared/config/diagnostics.h"
#include "shared/config/yaml_tree.h"

namespace sonde::config {

/// How many mistakes are told of one file; the rest is only counted.
inline constexpr std::size_t max_diagnostics = 1000;

/// The diagnostics of one file.
class Report {
 public:
  explicit Report(std::filesystem::path file) : file_(std::move(file)) {}

  void complain(int line, int column, std::string path, std::string what, std::string remedy);
  /// Adds what read_yaml() found.
  void add(std::vector<Diagnostic> diagnostics);

  const std::filesystem::path& file() const { return file_; }
  bool empty() const { return diagnostics_.empty(); }
  /// Ordered by line and column.
  std::vector<Diagnostic> take();

 private:
  std::filesystem::path file_;
  std::vector<Diagnostic> diagnostics_;
  std::size_t left_out_ = 0;
};

/// One value of the tree with its path.
class Value {
 public:
  Value(const Node& node, std::string path, Report& report) : node_(&node), path_(std::move(path)), report_(&report) {}

  const std::string& path() const { return path_; }
  const Node& node() const { return *node_; }
  Report& report() const { return *report_; }
  void complain(std::string what, std::string remedy) const;

  /// The plain words `off`, `auto` ...; never complains.
  bool is_word(std::string_view word) const;
  bool is_list() const { return node_->kind == Node::Kind::list; }
  bool is_map() const { return node_->kind == Node::Kind::map; }

  /// A scalar of 1 to `longest` bytes without control characters.
  std::optional<std::string> text(std::size_t longest = 1024) const;
  std::optional<bool> boolean() const;
  std::optional<std::int64_t> integer(std::int64_t least, std::int64_t most) const;
  std::optional<double> number(double least, double most) const;
  std::optional<nanoseconds> duration(nanoseconds least, nanoseconds most) const;
  std::optional<Bytes> size(Bytes least, Bytes most) const;
  std::optional<BitsPerSecond> bit_rate() const;
  /// `10%` or `0.1`: above 0, at most 1.
  std::optional<double> share() const;
  std::optional<ProbeRate> probe_rate(double least_per_second, double most_per_second) const;
  std::optional<SiteId> site() const;
  /// A class of RFC 2474: 0 to 63, or its name (EF, AF41, CS5, LE, VA, DF or BE), in any case of letters.
  std::optional<std::uint8_t> dscp() const;
  /// A path; a relative one is relative to the configuration file.
  std::optional<std::filesystem::path> file_path() const;
  /// `192.0.2.1:80` or `[2001:db8::1]:80`.
  std::optional<Endpoint> endpoint() const;
  /// `tcp://HOST:PORT`, with `*` for every address where `may_bind`.
  std::optional<std::string> zmq_endpoint(bool may_bind) const;
  /// An IPv4 or IPv6 address that others can send to, or a DNS name.
  std::optional<std::string> host() const;
  /// `http://` or `https://` and something behind it.
  std::optional<std::string> url() const;

  /// The items of a list; complains and is empty where this is no list or holds more than `most`.
  std::vector<Value> list(std::size_t most) const;
  /// True for a mapping; complains otherwise.
  bool expect_map() const;

 private:
  const Node* node_;
  std::string path_;
  Report* report_;
};

/// The keys of one mapping. Where the value is no mapping it complains, and every key is absent.
class Fields {
 public:
  explicit Fields(Value value);

  std::optional<Value> get(std::string_view key);
  /// Complains where the key is absent, saying `remedy`.
  std::optional<Value> need(std::string_view key, std::string remedy);
  void complain(std::string what, std::string remedy) const { value_.complain(std::move(what), std::move(remedy)); }
  /// Complains about every key that was not asked for.
  void finish() const;

 private:
  Value value_;
  bool usable_;
  std::vector<std::string> known_;
};

/// Keeps the default where the reading failed.
template <typename T, typename U>
  requires std::assignable_from<T&, U>
bool assign(T& target, std::optional<U> read) {
  if (!read) return false;
  target = *std::move(read);
  return true;
}

/// Reads a text as YAML and hands the root to `read`; the value only where there is no diagnostic.
template <typename T>
Parsed<T> parse_document(std::string_view text, const std::filesystem::path& file,
                         const std::function<T(Value)>& read) {
  Report report(file);
  Tree tree = read_yaml(text, file.string());
  report.add(std::move(tree.diagnostics));
  Parsed<T> parsed;
  if (tree.root) {
    T value = read(Value(*tree.root, "", report));
    if (report.empty()) parsed.value = std::move(value);
  }
  parsed.diagnostics = report.take();
  return parsed;
}

/// 'text', cut where it is long, for messages.
std::string in_quotes(std::string_view text);

}  // namespace sonde::config
