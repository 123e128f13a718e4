#include "shared/measure/result.h"

namespace sonde {
namespace {

template <typename Values>
auto find_metric(const Values& values, Metric metric) -> decltype(values.data()) {
  for (const auto& candidate : values)
    if (candidate.metric == metric) return &candidate;
  return nullptr;
}

}  // namespace

const SingleValue* Result::value_of(Metric metric) const { return find_metric(values, metric); }
const RatioValue* Result::ratio_of(Metric metric) const { return find_metric(ratios, metric); }
const DistributionValue* Result::distribution_of(Metric metric) const { return find_metric(distributions, metric); }

std::optional<double> Result::detail(std::string_view name) const {
  for (const Detail& candidate : details)
    if (candidate.name == name) return candidate.value;
  return std::nullopt;
}

}  // namespace sonde
