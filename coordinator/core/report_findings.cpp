// What stands out of a report, in sentences.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>

#include "coordinator/core/human.h"
#include "coordinator/core/report.h"

namespace sonde {
namespace {

constexpr double failed_share = 0.01;  ///< of runs, from which on failures are told of
constexpr double failed_share_bad = 0.1;
constexpr double lost_share = 0.01;
constexpr double lost_share_bad = 0.05;
constexpr double waited_share = 0.01;  ///< of handshakes, for a retransmitted SYN
constexpr double far_apart = 1.25;     ///< two figures that should be alike
constexpr double much_slower = 2;      ///< the round trip under load
constexpr std::uint64_t least_samples = 20;
constexpr std::uint64_t least_in_an_hour = 5;
constexpr std::size_t least_hours = 12;
constexpr std::size_t least_gap = 2;  ///< steps

std::string arrow(const Link& link) { return fmt::format("{} -> {}", link.from.str(), link.to.str()); }

/// To the minute: "2026-01-02 03:04".
std::string minute_text(SharedTime t) {
  std::string text = format_rfc3339(t).substr(0, 16);
  std::ranges::replace(text, 'T', ' ');
  return text;
}

std::string percent(double share) { return human(share, "ratio"); }

struct Sentences {
  const std::vector<ReportDirection>& directions;
  const ReportSpan& span;
  std::vector<std::pair<double, Finding>>& out;  ///< with how much of it there is, to order those of one weight

  void tell(double much, Finding finding) const { out.emplace_back(much, std::move(finding)); }

  void failures(const ReportDirection& direction) const {
    for (const Probe probe : report_probes) {
      const auto& outcomes = direction.outcomes.at(static_cast<std::size_t>(probe));
      const std::uint64_t tried = direction.tried(probe);
      const std::uint64_t failed = tried - outcomes.at(static_cast<std::size_t>(Outcome::ok));
      if (tried == 0 || static_cast<double>(failed) < failed_share * static_cast<double>(tried)) continue;
      std::string how;
      for (std::size_t i = 0; i < outcome_count; ++i)
        if (const auto outcome = static_cast<Outcome>(i);
            was_tried(outcome) && outcome != Outcome::ok && outcomes.at(i) > 0)
          how += fmt::format("{}{} {}", how.empty() ? "" : ", ", outcomes.at(i), name(outcome));
      const double share = static_cast<double>(failed) / static_cast<double>(tried);
      tell(share, {"failed_runs",
                   share >= failed_share_bad ? Weight::bad : Weight::warning,
                   fmt::format("{}: {} of the {} runs failed, {} ({}).", arrow(direction.link), percent(share),
                               name(probe), count_of(failed, tried, "in all"), how),
                   {{"failed", static_cast<double>(failed)}, {"tried", static_cast<double>(tried)}}});
    }
  }

  void loss(const ReportDirection& direction) const {
    const ReportMetric* lost = direction.find(Metric::loss);
    if (lost == nullptr || lost->count < least_samples || lost->mean.value_or(0) < lost_share) return;
    tell(*lost->mean,
         {"loss",
          *lost->mean >= lost_share_bad ? Weight::bad : Weight::warning,
          fmt::format("{}: {} of the packets were lost on the way there.", arrow(direction.link), percent(*lost->mean)),
          {{"loss", *lost->mean}}});
  }

  /// The finding of 1997: a few slow runs make an average that nobody sees.
  void average(const ReportDirection& direction) const {
    for (const Metric metric : {Metric::connect, Metric::rtt, Metric::throughput}) {
      const ReportMetric* of = direction.find(metric);
      if (of == nullptr || of->count < least_samples || !of->mean || !of->median || *of->median <= 0 || *of->mean <= 0)
        continue;
      const double ratio = *of->mean / *of->median;
      if (ratio < far_apart && ratio > 1 / far_apart) continue;
      tell(std::abs(std::log(ratio)),
           {"average_off",
            Weight::notice,
            fmt::format(
                "{}: the average {} ({}) is {:.2g} times the median ({}): few runs far from the others move it. The "
                "median says what to expect.",
                arrow(direction.link), name(metric), human(*of->mean, info(metric).unit), ratio,
                human(*of->median, info(metric).unit)),
            {{"mean", *of->mean}, {"median", *of->median}}});
    }
  }

  void retransmits(const ReportDirection& direction) const {
    const ReportMetric* all = direction.find(Metric::connect);
    if (all == nullptr || all->count < least_samples) return;
    const ReportMetric* clean = direction.find(Metric::connect_clean);
    const std::uint64_t first_try = clean != nullptr ? clean->count : 0;
    if (first_try >= all->count) return;
    const double share = static_cast<double>(all->count - first_try) / static_cast<double>(all->count);
    if (share < waited_share) return;
    const std::string without =
        clean != nullptr && clean->mean && all->mean
            ? fmt::format(" They make the average {} instead of {}.", human(*all->mean, "s"), human(*clean->mean, "s"))
            : std::string();
    tell(share,
         {"syn_retransmits",
          Weight::warning,
          fmt::format("{}: {} of the handshakes waited for a retransmitted SYN.{}", arrow(direction.link),
                      percent(share), without),
          {{"waited", static_cast<double>(all->count - first_try)}, {"connected", static_cast<double>(all->count)}}});
  }

  void loaded(const ReportDirection& direction) const {
    const ReportMetric* idle = direction.find(Metric::rtt);
    const ReportMetric* busy = direction.find(Metric::rtt_loaded);
    if (idle == nullptr || busy == nullptr || !idle->median || !busy->median || *idle->median <= 0) return;
    const double ratio = *busy->median / *idle->median;
    if (ratio < much_slower) return;
    tell(ratio, {"rtt_loaded",
                 Weight::notice,
                 fmt::format("{}: while it carries a throughput run its round trip takes {} instead of {}.",
                             arrow(direction.link), human(*busy->median, "s"), human(*idle->median, "s")),
                 {{"loaded", *busy->median}, {"idle", *idle->median}}});
  }

  void day(const ReportDirection& direction) const {
    for (const Metric metric : {Metric::rtt, Metric::connect, Metric::throughput}) {
      const ReportMetric* of = direction.find(metric);
      if (of == nullptr || !of->p10 || !of->p90) continue;
      std::optional<std::size_t> least;
      std::optional<std::size_t> most;
      std::size_t hours = 0;
      for (std::size_t i = 0; i < hours_of_day; ++i) {
        const ReportPoint& hour = of->hours.at(i);
        if (hour.count < least_in_an_hour || !hour.value) continue;
        ++hours;
        if (!least || *hour.value < *of->hours.at(*least).value) least = i;
        if (!most || *hour.value > *of->hours.at(*most).value) most = i;
      }
      if (hours < least_hours) continue;
      const bool more_is_better = info(metric).higher_is_better;
      const std::size_t worst = more_is_better ? *least : *most;
      const std::size_t best = more_is_better ? *most : *least;
      const double bad = *of->hours.at(worst).value;
      const double good = *of->hours.at(best).value;
      // A bad hour whose usual run is among the worst tenth of all is no accident.
      const bool stands_out = more_is_better ? bad <= *of->p10 : bad >= *of->p90;
      const double ratio = more_is_better ? good / std::max(bad, 1e-9) : bad / std::max(good, 1e-9);
      if (!stands_out || ratio < far_apart) continue;
      const std::string_view unit = info(metric).unit;
      tell(std::log(ratio),
           {"hour_of_day",
            Weight::notice,
            fmt::format(
                "{}: {} goes with the hour of the day: its median is {} from {:02}:00 and {} from {:02}:00 (UTC).",
                arrow(direction.link), name(metric), human(bad, unit), worst, human(good, unit), best),
            {{"worst", bad},
             {"worst_hour", static_cast<double>(worst)},
             {"best", good},
             {"best_hour", static_cast<double>(best)}}});
    }
  }

  void asymmetry(const ReportDirection& direction) const {
    const Link back{direction.link.to, direction.link.from};
    const auto other = std::ranges::find(directions, back, &ReportDirection::link);
    if (other == directions.end()) return;
    const ReportMetric* there = direction.find(Metric::throughput);
    const ReportMetric* here = other->find(Metric::throughput);
    if (there == nullptr || here == nullptr || !there->median || !here->median || *here->median <= 0) return;
    const double ratio = *there->median / *here->median;
    if (ratio < far_apart) return;  // the slower direction's turn tells of it
    tell(std::log(ratio),
         {"asymmetry",
          Weight::notice,
          fmt::format("{} carries {:.2g} times what {} does: {} against {} in the median.", arrow(direction.link),
                      ratio, arrow(back), human(*there->median, "bit/s"), human(*here->median, "bit/s")),
          {{"there", *there->median}, {"back", *here->median}}});
  }

  /// Where nothing came although something did before or after; of a site whose links have the same gap once.
  void gaps() const {
    std::map<std::pair<std::size_t, std::size_t>, std::map<SiteId, std::vector<SiteId>>> found;
    std::map<SiteId, std::size_t> links;
    for (const ReportDirection& direction : directions) {
      ++links[direction.link.from];
      std::size_t begin = 0;
      for (std::size_t i = 0; i <= direction.results.size(); ++i) {
        if (i < direction.results.size() && direction.results[i] == 0) continue;
        if (i - begin >= least_gap) found[{begin, i}][direction.link.from].push_back(direction.link.to);
        begin = i + 1;
      }
    }
    for (const auto& [gap, sites] : found)
      for (const auto& [from, to] : sites) {
        const bool all = gap.first == 0 && gap.second == span.points();
        const SharedTime begin = std::max(span.since, span.start(gap.first));
        const SharedTime end = std::min(span.until, span.start(gap.second));
        const std::string when = all ? std::string("in the whole time")
                                     : fmt::format("from {} to {} UTC ({})", minute_text(begin), minute_text(end),
                                                   human_age(to_seconds(end - begin)));
        std::string where = to.size() == links[from] && to.size() > 1 ? "anywhere" : "";
        if (where.empty())
          for (const SiteId& site : to) where += (where.empty() ? "to " : ", ") + site.str();
        tell(to_seconds(end - begin),
             {all ? "no_results" : "gap",
              all ? Weight::bad : Weight::warning,
              fmt::format("{}: no result of latency or connect {} {}.", from.str(), where, when),
              {{"gap_s", to_seconds(end - begin)}, {"links", static_cast<double>(to.size())}}});
      }
  }

  /// The slowest and the fastest direction.
  void extremes() const {
    for (const Metric metric : {Metric::rtt, Metric::connect, Metric::throughput}) {
      const ReportDirection* least = nullptr;
      const ReportDirection* most = nullptr;
      const auto median = [&](const ReportDirection* of) { return *of->find(metric)->median; };
      std::size_t known = 0;
      for (const ReportDirection& direction : directions) {
        const ReportMetric* of = direction.find(metric);
        if (of == nullptr || !of->median) continue;
        ++known;
        if (least == nullptr || *of->median < median(least)) least = &direction;
        if (most == nullptr || *of->median > median(most)) most = &direction;
      }
      if (known < 2) continue;
      tell(0, {"extremes",
               Weight::info,
               fmt::format("The median {} is least on {} ({}) and greatest on {} ({}).", name(metric),
                           arrow(least->link), human(median(least), info(metric).unit), arrow(most->link),
                           human(median(most), info(metric).unit)),
               {{"least", median(least)}, {"greatest", median(most)}}});
    }
  }
};

}  // namespace

std::vector<Finding> report_findings(const std::vector<ReportDirection>& directions, const ReportSpan& span) {
  std::vector<std::pair<double, Finding>> told;
  const Sentences sentences{directions, span, told};
  sentences.gaps();
  for (const ReportDirection& direction : directions) {
    sentences.failures(direction);
    sentences.loss(direction);
    sentences.retransmits(direction);
    sentences.average(direction);
    sentences.asymmetry(direction);
    sentences.loaded(direction);
    sentences.day(direction);
  }
  if (told.empty())
    told.push_back(
        {0, {"well", Weight::info, "Nothing stands out: every direction was measured, and none is unusual.", {}}});
  sentences.extremes();
  std::ranges::stable_sort(told, [](const auto& a, const auto& b) {
    return std::pair(a.second.weight, -a.first) < std::pair(b.second.weight, -b.first);
  });
  std::vector<Finding> findings;
  for (auto& [much, finding] : told) findings.push_back(std::move(finding));
  if (findings.size() > report_findings_limit) {
    const std::size_t more = findings.size() - report_findings_limit + 1;
    findings.resize(report_findings_limit - 1);
    findings.push_back(
        {"more", Weight::info, fmt::format("{} more sentences are left out; ask for fewer links.", more), {}});
  }
  return findings;
}

}  // namespace sonde
