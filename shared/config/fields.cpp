#include "shared/config/fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <numeric>
#include <span>
#include <tuple>

namespace sonde::config {
namespace {

/// Edits (insert, delete, replace, swap of neighbours) that make one word from another: Damerau-Levenshtein,
/// restricted form.
std::size_t edits_between(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  std::iota(cost[0].begin(), cost[0].end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i)
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  return cost[a.size()][b.size()];
}

std::string remedy_for_unknown(std::string_view key, std::span<const std::string> known) {
  constexpr std::size_t longest_key = 40;
  const std::string* nearest = nullptr;
  std::size_t least = std::max<std::size_t>(1, key.size() / 3) + 1;
  if (key.size() <= longest_key)
    for (const std::string& candidate : known) {
      const std::size_t edits = edits_between(key, candidate);
      if (edits < least) {
        least = edits;
        nearest = &candidate;
      }
    }
  if (nearest != nullptr) return fmt::format("did you mean '{}'?", *nearest);
  return fmt::format("known here: {}", fmt::join(known, ", "));
}

std::string join_path(const std::string& path, std::string_view key) {
  return path.empty() ? shortened(key) : fmt::format("{}.{}", path, shortened(key));
}

}  // namespace

std::string in_quotes(std::string_view text) { return fmt::format("'{}'", shortened(text)); }

void Report::complain(int line, int column, std::string path, std::string what, std::string remedy) {
  if (diagnostics_.size() >= max_diagnostics) {
    ++left_out_;
    return;
  }
  diagnostics_.push_back({file_.string(), line, column, std::move(path), std::move(what), std::move(remedy)});
}

void Report::add(std::vector<Diagnostic> diagnostics) {
  for (Diagnostic& one : diagnostics)
    complain(one.line, one.column, std::move(one.path), std::move(one.what), std::move(one.remedy));
}

std::vector<Diagnostic> Report::take() {
  std::ranges::stable_sort(diagnostics_, {}, [](const Diagnostic& one) { return std::tuple(one.line, one.column); });
  if (left_out_ > 0)
    diagnostics_.push_back({file_.string(), diagnostics_.back().line, diagnostics_.back().column, "",
                            fmt::format("{} more mistakes are left out", left_out_), "correct those above first"});
  left_out_ = 0;
  return std::exchange(diagnostics_, {});
}

void Value::complain(std::string what, std::string remedy) const {
  report_->complain(node_->line, node_->column, path_, std::move(what), std::move(remedy));
}

bool Value::is_word(std::string_view word) const {
  return node_->kind == Node::Kind::scalar && !node_->quoted && node_->text == word;
}

std::vector<Value> Value::list(std::size_t most) const {
  if (!is_list()) {
    complain("not a list", "write [a, b], or one item in each line with '- ' before it");
    return {};
  }
  if (node_->items.size() > most) {
    complain(fmt::format("{} items are too many", node_->items.size()), fmt::format("give at most {}", most));
    return {};
  }
  std::vector<Value> values;
  for (std::size_t i = 0; i < node_->items.size(); ++i)
    values.emplace_back(node_->items[i], fmt::format("{}[{}]", path_, i), *report_);
  return values;
}

bool Value::expect_map() const {
  if (!is_map()) complain("not a mapping", "write {key: value}, or one 'key: value' in each line");
  return is_map();
}

Fields::Fields(Value value) : value_(std::move(value)), usable_(value_.expect_map()) {}

std::optional<Value> Fields::get(std::string_view key) {
  known_.emplace_back(key);
  const Node* node = usable_ ? value_.node().find(key) : nullptr;
  if (node == nullptr) return std::nullopt;
  return Value(*node, join_path(value_.path(), key), value_.report());
}

std::optional<Value> Fields::need(std::string_view key, std::string remedy) {
  auto value = get(key);
  if (!value && usable_)
    value_.report().complain(value_.node().line, value_.node().column, join_path(value_.path(), key), "missing",
                             std::move(remedy));
  return value;
}

void Fields::finish() const {
  if (!usable_) return;
  for (const Key& key : value_.node().keys)
    if (std::ranges::find(known_, key.text) == known_.end())
      value_.report().complain(key.line, key.column, join_path(value_.path(), key.text), "unknown key",
                               remedy_for_unknown(key.text, known_));
}

}  // namespace sonde::config
