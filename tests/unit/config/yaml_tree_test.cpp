#include "shared/config/yaml_tree.h"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace sonde::config;

namespace {

std::string mistakes(std::string_view text) { return to_text(read_yaml(text, "f.yaml").diagnostics); }

}  // namespace

BOOST_AUTO_TEST_SUITE(yaml_tree)

BOOST_AUTO_TEST_CASE(values_know_where_they_stand) {
  const Tree tree = read_yaml("mesh: europe\nsites:\n  - {name: berlin, port: 7101}\n", "f.yaml");
  BOOST_REQUIRE(tree.root.has_value());
  BOOST_TEST(tree.diagnostics.empty());
  const Node* sites = tree.root->find("sites");
  BOOST_REQUIRE(sites != nullptr);
  BOOST_REQUIRE(sites->items.size() == 1U);
  const Node* port = sites->items[0].find("port");
  BOOST_REQUIRE(port != nullptr);
  BOOST_TEST(port->text == "7101");
  BOOST_TEST(port->line == 3);
  BOOST_TEST(port->column == 26);
  BOOST_TEST(tree.root->keys[1].line == 2);
  BOOST_TEST(tree.root->keys[1].column == 1);
  BOOST_TEST((tree.root->find("absent") == nullptr));
}

BOOST_AUTO_TEST_CASE(json_is_yaml_too) {
  const Tree tree = read_yaml("{\n\t\"mesh\": \"a\\u0062\",\n\t\"sites\": [1, true, null]\n}\n", "f.json");
  BOOST_TEST(to_text(tree.diagnostics) == "");
  BOOST_REQUIRE(tree.root.has_value());
  BOOST_TEST(tree.root->find("mesh")->text == "ab");
  BOOST_TEST(tree.root->find("mesh")->quoted);
  BOOST_TEST(!tree.root->find("sites")->items[1].quoted);
  BOOST_TEST((tree.root->find("sites")->items[2].kind == Node::Kind::null));
}

BOOST_AUTO_TEST_CASE(an_empty_text_is_an_empty_value) {
  for (const char* text : {"", "\n", "# nothing\n", "---\n"}) {
    const Tree tree = read_yaml(text, "f.yaml");
    BOOST_REQUIRE(tree.root.has_value());
    BOOST_TEST((tree.root->kind == Node::Kind::null));
    BOOST_TEST(tree.diagnostics.empty());
  }
}

BOOST_AUTO_TEST_CASE(duplicate_keys_name_both_places) {
  BOOST_TEST(mistakes("a: 1\nb: {c: 1, d: 2, c: 3}\na: 2\n") ==
             "f.yaml:2:17: b.c: given twice, first at line 2 column 5; keep one of them\n"
             "f.yaml:3:1: a: given twice, first at line 1 column 1; keep one of them\n");
  BOOST_TEST(read_yaml("a: 1\na: 2\n", "f.yaml").root->find("a")->text == "1");
}

BOOST_AUTO_TEST_CASE(what_a_configuration_does_not_need_is_refused) {
  BOOST_TEST(mistakes("a: &x 1\nb: *x\n") ==
             "f.yaml:1:4: anchors (&) and aliases (*) are not supported; write the value out, or put it in quotes\n");
  BOOST_TEST(mistakes("a: !!int 1\n") == "f.yaml:1:4: tags (!) are not supported; leave the tag out\n");
  BOOST_TEST(mistakes("{[1]: 2}\n") ==
             "f.yaml:1:2: a list or a mapping stands where a key should; write keys as plain words\n");
  BOOST_TEST(mistakes("~: 2\n") == "f.yaml:1:1: a key is empty; write keys as plain words\n");
  BOOST_TEST(
      mistakes("a: 1\n---\nb: 2\n") ==
      "f.yaml:2:1: a second document begins here; write everything into one document, without a line '---' between\n");
}

BOOST_AUTO_TEST_CASE(broken_syntax_says_where) {
  BOOST_TEST(mistakes("a: [1, 2\nb: 3\n") ==
             "f.yaml:2:2: not valid YAML: end of sequence flow not found; correct the syntax here or just before\n");
  BOOST_TEST(!read_yaml("a: [1, 2\nb: 3\n", "f.yaml").root.has_value());
}

BOOST_AUTO_TEST_CASE(limits_hold) {
  BOOST_TEST(mistakes(std::string(40, '[') + std::string(40, ']')) ==
             "f.yaml:1:33: nested deeper than 32 levels; write a flatter file\n");
  BOOST_TEST(mistakes(std::string(max_text_bytes + 1, 'a')) ==
             "f.yaml:1:1: the file is larger than 4194304 bytes; give a smaller file\n");
  std::string many = "[";
  for (std::size_t i = 0; i < max_nodes; ++i) many += "1,";
  BOOST_TEST(mistakes(many + "1]").ends_with(": there are more than 500000 values; give a smaller file\n"));
}

BOOST_AUTO_TEST_CASE(control_characters_do_not_reach_the_terminal) {
  BOOST_TEST(mistakes("\"a\\x1b[31m\": 1\n\"a\\x1b[31m\": 1\n") ==
             "f.yaml:2:1: a\\x1b[31m: given twice, first at line 1 column 1; keep one of them\n");
}

BOOST_AUTO_TEST_SUITE_END()
