#include "shared/config/yaml_tree.h"

#include <fmt/format.h>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <unordered_map>
#include <utility>

namespace sonde::config {
namespace {

/// Leaves the library's parser from inside a callback; never leaves this file.
struct Refused {
  int line;
  int column;
  std::string what;
  std::string remedy;
};

// The library counts from 0, and uses -1 for "nowhere".
int from_one(int position) { return std::max(position, 0) + 1; }

class Builder final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1)
      refuse(mark, "a second document begins here", "write everything into one document, without a line '---' between");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    value(begin(Node::Kind::null, mark, anchor, ""));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse_anchor(mark); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    Node node = begin(Node::Kind::scalar, mark, anchor, tag);
    node.text = text;
    node.quoted = tag == "!";
    value(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(begin(Node::Kind::list, mark, anchor, tag), mark);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(begin(Node::Kind::map, mark, anchor, tag), mark);
  }
  void OnMapEnd() override { close(); }

  Node take_root() { return std::move(root_); }

 private:
  [[noreturn]] static void refuse(const YAML::Mark& mark, std::string what, std::string remedy) {
    throw Refused{from_one(mark.line), from_one(mark.column), std::move(what), std::move(remedy)};
  }
  [[noreturn]] static void refuse_anchor(const YAML::Mark& mark) {
    refuse(mark, "anchors (&) and aliases (*) are not supported", "write the value out, or put it in quotes");
  }

  Node begin(Node::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor, const std::string& tag) {
    if (anchor != 0) refuse_anchor(mark);
    // "?" is the library's word for a plain value, "!" for one in quotes.
    if (!tag.empty() && tag != "?" && tag != "!") refuse(mark, "tags (!) are not supported", "leave the tag out");
    if (++nodes_ > max_nodes)
      refuse(mark, fmt::format("there are more than {} values", max_nodes), "give a smaller file");
    Node node;
    node.kind = kind;
    node.line = from_one(mark.line);
    node.column = from_one(mark.column);
    return node;
  }

  void open(Node node, const YAML::Mark& mark) {
    if (expects_key()) refuse(mark, "a list or a mapping stands where a key should", "write keys as plain words");
    if (open_.size() >= max_depth)
      refuse(mark, fmt::format("nested deeper than {} levels", max_depth), "write a flatter file");
    open_.push_back(std::move(node));
  }

  void close() {
    Node node = std::move(open_.back());
    open_.pop_back();
    value(std::move(node));
  }

  bool expects_key() const {
    return !open_.empty() && open_.back().kind == Node::Kind::map &&
           open_.back().keys.size() == open_.back().items.size();
  }

  void value(Node node) {
    if (open_.empty()) {
      root_ = std::move(node);
    } else if (!expects_key()) {
      // The library does not know where a value stands that is not there.
      if (node.kind == Node::Kind::null && open_.back().kind == Node::Kind::map) {
        node.line = open_.back().keys.back().line;
        node.column = open_.back().keys.back().column;
      }
      open_.back().items.push_back(std::move(node));
    } else if (node.kind == Node::Kind::scalar) {
      open_.back().keys.push_back({std::move(node.text), node.line, node.column});
    } else {
      throw Refused{node.line, node.column, "a key is empty", "write keys as plain words"};
    }
  }

  Node root_;
  std::vector<Node> open_;
  std::size_t nodes_ = 0;
  int documents_ = 0;
};

class DuplicateKeys {
 public:
  DuplicateKeys(const std::string& file, std::vector<Diagnostic>& out) : file_(file), out_(out) {}

  void check(const Node& node, const std::string& path) {
    std::unordered_map<std::string_view, const Key*> seen;
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      if (node.kind == Node::Kind::list) {
        check(node.items[i], fmt::format("{}[{}]", path, i));
        continue;
      }
      const Key& key = node.keys[i];
      const std::string child = path.empty() ? shortened(key.text) : path + "." + shortened(key.text);
      const auto [first, is_new] = seen.emplace(key.text, &key);
      if (!is_new)
        out_.push_back(
            {file_, key.line, key.column, child,
             fmt::format("given twice, first at line {} column {}", first->second->line, first->second->column),
             "keep one of them"});
      check(node.items[i], child);
    }
  }

 private:
  const std::string& file_;
  std::vector<Diagnostic>& out_;
};

Node parse(std::string_view text) {
  std::istringstream in{std::string(text)};
  Builder builder;
  YAML::Parser parser(in);
  while (parser.HandleNextDocument(builder)) {
  }
  return builder.take_root();
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  const auto at = std::ranges::find(keys, key, &Key::text);
  return at == keys.end() ? nullptr : &items[static_cast<std::size_t>(at - keys.begin())];
}

Tree read_yaml(std::string_view text, const std::string& file) {
  Tree tree;
  const auto refuse = [&](int line, int column, std::string what, std::string remedy) {
    tree.diagnostics.push_back({file, line, column, "", std::move(what), std::move(remedy)});
  };
  if (text.size() > max_text_bytes) {
    refuse(1, 1, fmt::format("the file is larger than {} bytes", max_text_bytes), "give a smaller file");
    return tree;
  }
  try {
    tree.root = parse(text);
    DuplicateKeys(file, tree.diagnostics).check(*tree.root, "");
  } catch (const Refused& refused) {
    refuse(refused.line, refused.column, refused.what, refused.remedy);
  } catch (const YAML::Exception& error) {
    refuse(from_one(error.mark.line), from_one(error.mark.column), "not valid YAML: " + error.msg,
           "correct the syntax here or just before");
  } catch (const std::exception& error) {
    // The library's scanner lets std::out_of_range and its like through on some malformed texts.
    refuse(1, 1, std::string("not valid YAML: ") + error.what(), "correct the syntax");
  }
  return tree;
}

}  // namespace sonde::config
