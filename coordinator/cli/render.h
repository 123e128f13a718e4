// Tables as text for a terminal, and as CSV. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sonde::cli {

/// What a cell says about its subject; colour only underlines what the text says already.
enum class Tone : std::uint8_t { plain, faint, good, warning, bad };

struct TextCell {
  std::string text;  ///< for people
  std::string raw;   ///< for CSV, in base units
  Tone tone = Tone::plain;
};

enum class Align : std::uint8_t { left, right };

struct TextColumn {
  std::string title;     ///< for people
  std::string raw_name;  ///< CSV header
  Align align = Align::left;
  bool joined = false;  ///< stands in the block of the column before it, unless no block has room for both
};

/// What happens to a table that is wider than the terminal.
enum class Overflow : std::uint8_t {
  blocks,  ///< a matrix: further columns follow in a block below, the first column is repeated
  drop,    ///< a list: a column is shortened, those behind it are left out and named below
};

struct TextTable {
  std::vector<TextColumn> columns;
  std::vector<std::vector<TextCell>> rows;  ///< each as long as columns
  std::vector<std::string> legend;          ///< lines below the table
  std::size_t hang = 0;                     ///< how far the further lines of a wrapped legend line are indented
  Overflow overflow = Overflow::drop;
};

struct Terminal {
  std::optional<std::size_t> width;  ///< nullopt: no terminal, lines may be of any length
  bool colour = false;
};

/// Ends with a newline. Control characters in cells (a peer's text) are shown as '?'.
std::string render_table(const TextTable& table, const Terminal& terminal);

/// RFC 4180 with \n: header line and rows, of `raw`. Columns without a raw_name are left out.
std::string render_csv(const TextTable& table, bool with_header = true);

/// Shortens at the end with "..."; counts UTF-8 code points.
std::string shorten(std::string_view text, std::size_t width);

}  // namespace sonde::cli
