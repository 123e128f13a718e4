#include "coordinator/cli/gantt.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "coordinator/core/human.h"

namespace sonde::cli {
namespace {

constexpr double row_height = 22;
constexpr double top = 54;
constexpr double letter = 7.2;  ///< width of one at 12 px, about
constexpr double least_bar_text = 5.6;
constexpr double chart_width = 1200;
constexpr int most_ticks = 12;

struct Row {
  std::string name;
  double utilisation = 0;
};

/// XML 1.0, 2.4: what may not stand in text or an attribute. Uplinks' names are the operator's.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (static_cast<unsigned char>(c) < 0x20)
      out += ' ';
    else
      out += c;
  }
  return out;
}

/// 1, 2 or 5 times a power of ten seconds, or a round number of minutes, so that at most `most_ticks` fit.
double tick_of(double span_s) {
  constexpr double steps[] = {1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 21600, 43200};
  for (const double step : steps)
    if (span_s / step <= most_ticks) return step;
  return 86'400 * std::ceil(span_s / 86'400 / most_ticks);
}

class Chart {
 public:
  Chart(const Mesh& mesh, const Timetable& timetable) : timetable_(timetable) {
    const bool mixed =
        std::ranges::any_of(timetable.slots, [](const ThroughputSlot& slot) { return slot.every > nanoseconds(0); });
    span_ = mixed ? timetable.throughput_every : timetable.cycle;
    std::set<std::string> uplinks;
    for (const SiteSpec& site : mesh.sites) {
      row_of_site_[site.site] = add_row(site.site.str());
      if (site.uplink) uplinks.insert(*site.uplink);
    }
    for (const std::string& uplink : uplinks) row_of_uplink_[uplink] = add_row("uplink " + uplink);
    for (const SiteSpec& site : mesh.sites)
      if (site.uplink) uplink_row_of_[site.site] = row_of_uplink_.at(*site.uplink);
    std::size_t longest = 0;
    for (const std::string& name : rows_) longest = std::max(longest, name.size());
    left_ = 16 + letter * static_cast<double>(longest);
  }

  std::size_t bars() const {
    std::size_t count = 0;
    for (const ThroughputSlot& slot : timetable_.slots)
      count += static_cast<std::size_t>(repetitions(slot)) * rows_of(slot.link).size();
    return count;
  }

  std::string draw(const std::string& mesh_name) {
    const double height = top + row_height * static_cast<double>(rows_.size()) + 12;
    put(R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0:.0f} {1:.0f}" width="{0:.0f}" height="{1:.0f}" )"
        R"(font-family="sans-serif" font-size="12">)"
        "\n",
        left_ + chart_width + 16, height);
    put("<style>.s{{fill:#2c6fbb}}.r{{fill:#d98032}}.u{{fill:#6b6f76}}.t{{fill:#fff;font-size:10px}}.g{{stroke:#ddd}}"
        "</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n");
    put("<text x=\"8\" y=\"18\" font-size=\"14\">{}: {} rounds in {}, repeated every {}</text>\n", escaped(mesh_name),
        timetable_.rounds, human_stretch(to_seconds(timetable_.cycle)),
        human_stretch(to_seconds(timetable_.throughput_every)));
    draw_key();
    draw_grid(height);
    for (const ThroughputSlot& slot : timetable_.slots)
      for (std::int64_t k = 0; k < repetitions(slot); ++k) draw_run(slot, slot.start + k * timetable_.interval(slot));
    put("</svg>\n");
    return std::move(out_);
  }

 private:
  struct Place {
    std::size_t row;
    std::string_view colour;  ///< class: s sends, r receives, u uplink
  };

  template <typename... Values>
  void put(fmt::format_string<Values...> format, Values&&... values) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Values>(values)...);
  }

  std::size_t add_row(std::string name) {
    rows_.push_back(std::move(name));
    return rows_.size() - 1;
  }

  std::int64_t repetitions(const ThroughputSlot& slot) const {
    const nanoseconds every = timetable_.interval(slot);
    return every.count() > 0 ? std::max<std::int64_t>(1, span_ / every) : 1;
  }

  std::vector<Place> rows_of(const Link& link) const {
    std::vector<Place> places{{row_of_site_.at(link.from), "s"}, {row_of_site_.at(link.to), "r"}};
    for (const SiteId* site : {&link.from, &link.to}) {
      const auto uplink = uplink_row_of_.find(*site);
      if (uplink != uplink_row_of_.end() && uplink->second != places.back().row)
        places.push_back({uplink->second, "u"});
    }
    return places;
  }

  double x_of(nanoseconds t) const { return left_ + chart_width * to_seconds(t) / to_seconds(span_); }
  static double y_of(std::size_t row) { return top + row_height * static_cast<double>(row); }

  void draw_key() {
    double x = 8;
    for (const auto& [colour, what] : {std::pair("s", "sends"), std::pair("r", "receives"), std::pair("u", "in use")}) {
      if (std::string_view(colour) == "u" && row_of_uplink_.empty()) continue;
      put("<rect class=\"{}\" x=\"{:.0f}\" y=\"26\" width=\"12\" height=\"12\"/><text x=\"{:.0f}\" "
          "y=\"36\">{}</text>\n",
          colour, x, x + 17, what);
      x += 90;
    }
  }

  void draw_grid(double height) {
    const double span_s = to_seconds(span_);
    const double step = tick_of(span_s);
    const auto ticks = static_cast<int>(span_s / step);
    for (int tick = 0; tick <= ticks; ++tick) {
      const double t = tick * step;
      const double x = left_ + chart_width * t / span_s;
      put("<line class=\"g\" x1=\"{0:.1f}\" y1=\"{1:.0f}\" x2=\"{0:.1f}\" y2=\"{2:.0f}\"/>"
          "<text x=\"{0:.1f}\" y=\"{3:.0f}\" text-anchor=\"middle\" font-size=\"10\">{4}</text>\n",
          x, top - 4, height - 8, top - 7, t == 0 ? "0" : human_stretch(t));
    }
    for (std::size_t row = 0; row < rows_.size(); ++row)
      put("<text x=\"8\" y=\"{:.0f}\">{}</text>\n", y_of(row) + 15, escaped(rows_[row]));
  }

  void draw_run(const ThroughputSlot& slot, nanoseconds start) {
    const double x = x_of(start);
    const double width = std::max(0.4, x_of(start + slot.length) - x - 0.4);
    for (const Place& place : rows_of(slot.link)) {
      put("<rect class=\"{}\" x=\"{:.2f}\" y=\"{:.0f}\" width=\"{:.2f}\" height=\"{:.0f}\">"
          "<title>{} -&gt; {}, {:.1f} s to {:.1f} s, round {}</title></rect>",
          place.colour, x, y_of(place.row) + 2, width, row_height - 4, slot.link.from.str(), slot.link.to.str(),
          to_seconds(start), to_seconds(start + slot.length), slot.round.number);
      if (const std::string text = text_in(slot.link, place.colour);
          least_bar_text * static_cast<double>(text.size()) + 4 < width)
        put("<text class=\"t\" x=\"{:.2f}\" y=\"{:.0f}\">{}</text>", x + 3, y_of(place.row) + 15, text);
      out_ += '\n';
    }
  }

  static std::string text_in(const Link& link, std::string_view colour) {
    if (colour == "s") return link.to.str();
    return colour == "r" ? link.from.str() : link.from.str() + " - " + link.to.str();
  }

  const Timetable& timetable_;
  nanoseconds span_{0};
  double left_ = 0;
  std::vector<std::string> rows_;
  std::map<SiteId, std::size_t> row_of_site_;
  std::map<std::string, std::size_t> row_of_uplink_;
  std::map<SiteId, std::size_t> uplink_row_of_;
  std::string out_;
};

}  // namespace

Expected<std::string> gantt_svg(const Mesh& mesh, const Timetable& timetable) {
  if (timetable.slots.empty()) return fail("the configuration has no throughput runs");
  Chart chart(mesh, timetable);
  if (const std::size_t bars = chart.bars(); bars > most_gantt_bars)
    return fail(
        fmt::format("it would have {} bars, at most {} are drawn; plan fewer sites, or intervals that are closer "
                    "to each other",
                    bars, most_gantt_bars));
  return chart.draw(mesh.name);
}

}  // namespace sonde::cli
