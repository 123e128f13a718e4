#include "coordinator/cli/render.h"

#include <algorithm>
#include <span>
#include <utility>

namespace sonde::cli {
namespace {

constexpr std::string_view gap = "  ";
/// A column that is cut to less than this says nothing any more.
constexpr std::size_t least_readable = 12;

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return !is_continuation(c); }));
}

std::string printable(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return out;
}

std::string_view colour_code(Tone tone) {
  switch (tone) {
    case Tone::plain: return "";
    case Tone::faint: return "\x1b[2m";
    case Tone::good: return "\x1b[32m";
    case Tone::warning: return "\x1b[33m";
    case Tone::bad: return "\x1b[1;31m";
  }
  return "";
}

/// Padded to `width`; the padding is never coloured, and a line never ends in blanks.
void append_padded(std::string& line, const TextCell& cell, Align align, std::size_t width, bool colour) {
  const std::string text = printable(cell.text);
  const std::string padding(width - std::min(width, width_of(text)), ' ');
  const std::string_view code = colour && !text.empty() ? colour_code(cell.tone) : std::string_view();
  if (align == Align::right) line += padding;
  line += code;
  line += text;
  if (!code.empty()) line += "\x1b[0m";
  if (align == Align::left) line += padding;
}

void end_line(std::string& out, std::string line) {
  while (!line.empty() && line.back() == ' ') line.pop_back();
  out += line + '\n';
}

std::vector<std::size_t> widths_of(const TextTable& table) {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    std::size_t width = width_of(table.columns[i].title);
    for (const auto& row : table.rows) width = std::max(width, width_of(printable(row[i].text)));
    widths.push_back(width);
  }
  return widths;
}

void append_block(std::string& out, const TextTable& table, std::span<const std::size_t> shown,
                  const std::vector<std::size_t>& widths, bool colour) {
  const auto append_row = [&](const auto& cell_at) {
    std::string line;
    for (const std::size_t i : shown) {
      if (!line.empty()) line += gap;
      append_padded(line, cell_at(i), table.columns[i].align, widths[i], colour);
    }
    end_line(out, std::move(line));
  };
  append_row([&](std::size_t i) { return TextCell{table.columns[i].title, "", Tone::faint}; });
  for (const auto& row : table.rows) append_row([&](std::size_t i) -> const TextCell& { return row[i]; });
}

/// What the column takes together with those that are joined to it.
std::size_t width_of_group(const TextTable& table, const std::vector<std::size_t>& widths, std::size_t first) {
  std::size_t width = widths[first];
  for (std::size_t i = first + 1; i < widths.size() && table.columns[i].joined; ++i) width += gap.size() + widths[i];
  return width;
}

/// The columns of each block: as many as fit, at least one beside the first.
std::vector<std::vector<std::size_t>> blocks_of(const TextTable& table, const std::vector<std::size_t>& widths,
                                                std::optional<std::size_t> limit) {
  std::vector<std::vector<std::size_t>> blocks{{0}};
  std::size_t used = widths[0];
  for (std::size_t i = 1; i < widths.size(); ++i) {
    const std::size_t group = table.overflow == Overflow::blocks ? width_of_group(table, widths, i) : widths[i];
    const bool fits_below = !limit || widths[0] + gap.size() + group <= *limit;
    if (limit && used + gap.size() + (fits_below ? group : widths[i]) > *limit && blocks.back().size() > 1) {
      blocks.push_back({0});
      used = widths[0];
    }
    blocks.back().push_back(i);
    used += gap.size() + widths[i];
  }
  return blocks;
}

/// The first column of a list always fits: where even it does not, it is cut.
void fit_first(TextTable& table, std::vector<std::size_t>& widths, std::size_t limit) {
  if (widths[0] <= limit) return;
  for (auto& row : table.rows) row[0].text = shorten(row[0].text, limit);
  table.columns[0].title = shorten(table.columns[0].title, limit);
  widths[0] = limit;
}

/// The first column of a list that does not fit is shortened where enough of it can be read, rather than left out.
void fit_next(TextTable& table, std::vector<std::size_t>& widths, std::size_t limit) {
  std::size_t used = widths[0];
  for (std::size_t i = 1; i < widths.size(); ++i) {
    used += gap.size();
    if (used + widths[i] <= limit) {
      used += widths[i];
      continue;
    }
    const std::size_t room = limit > used ? limit - used : 0;
    if (room < least_readable || table.columns[i].align == Align::right) return;
    for (auto& row : table.rows) row[i].text = shorten(row[i].text, room);
    table.columns[i].title = shorten(table.columns[i].title, room);
    widths[i] = room;
    return;
  }
}

std::string left_out(const TextTable& table, std::span<const std::size_t> columns) {
  std::string names;
  for (const std::size_t i : columns) names += (names.empty() ? "" : ", ") + table.columns[i].title;
  return "Too narrow for: " + names + ". --format csv has everything.";
}

void append_legend_line(std::string& out, std::string_view line, std::optional<std::size_t> limit, std::size_t hang) {
  std::string text = printable(line);
  if (limit && hang >= *limit / 2) hang = 0;
  while (limit && width_of(text) > *limit) {
    auto cut = text.rfind(' ', *limit);
    if (cut == std::string::npos || cut <= hang) cut = *limit;
    end_line(out, text.substr(0, cut));
    text.replace(0, std::min(text.size(), text.find_first_not_of(' ', cut)), std::string(hang, ' '));
  }
  end_line(out, std::move(text));
}

std::string quoted(std::string_view field) {
  if (field.find_first_of("\",\r\n") == std::string_view::npos) return std::string(field);
  std::string out = "\"";
  for (const char c : field) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
}

}  // namespace

std::string shorten(std::string_view text, std::size_t width) {
  if (width_of(text) <= width) return std::string(text);
  const std::size_t kept = width >= 3 ? width - 3 : width;
  std::size_t points = 0;
  std::size_t end = 0;
  for (; end < text.size(); ++end) {
    if (is_continuation(text[end])) continue;
    if (points == kept) break;
    ++points;
  }
  return std::string(text.substr(0, end)) + (width >= 3 ? "..." : "");
}

std::string render_table(const TextTable& input, const Terminal& terminal) {
  TextTable table = input;
  std::string out;
  if (!table.columns.empty()) {
    std::vector<std::size_t> widths = widths_of(table);
    if (terminal.width) fit_first(table, widths, *terminal.width);
    if (terminal.width && table.overflow == Overflow::drop) fit_next(table, widths, *terminal.width);
    const auto blocks = blocks_of(table, widths, terminal.width);
    append_block(out, table, blocks[0], widths, terminal.colour);
    if (table.overflow == Overflow::blocks) {
      for (std::size_t i = 1; i < blocks.size(); ++i) {
        out += '\n';
        append_block(out, table, blocks[i], widths, terminal.colour);
      }
    } else if (blocks.size() > 1) {
      std::vector<std::size_t> missing;
      for (std::size_t i = blocks[0].size(); i < widths.size(); ++i) missing.push_back(i);
      table.legend.insert(table.legend.begin(), left_out(table, missing));
    }
  }
  if (!table.legend.empty() && !out.empty()) out += '\n';
  for (const std::string& line : table.legend) append_legend_line(out, line, terminal.width, table.hang);
  return out;
}

std::string render_csv(const TextTable& table, bool with_header) {
  std::string out;
  const auto append_line = [&](const auto& field_at) {
    bool first = true;
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      if (table.columns[i].raw_name.empty()) continue;
      if (!std::exchange(first, false)) out += ',';
      out += quoted(field_at(i));
    }
    out += '\n';
  };
  if (with_header) append_line([&](std::size_t i) -> const std::string& { return table.columns[i].raw_name; });
  for (const auto& row : table.rows) append_line([&](std::size_t i) -> const std::string& { return row[i].raw; });
  return out;
}

}  // namespace sonde::cli
