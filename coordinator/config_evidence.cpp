// `evidence:`: when agents look at the way to each other.
#include "coordinator/config_parts.h"

namespace sonde {
namespace {

using config::Value;
using namespace std::chrono_literals;

bool is_off(const Value& value) { return value.is_word("off") || value.is_word("false"); }

}  // namespace

EvidencePolicy read_evidence(const Value& value) {
  if (is_off(value)) return {.onset = false, .every = std::nullopt};
  EvidencePolicy out;
  config::Fields fields(value);
  if (auto every = fields.get("every")) {
    if (is_off(*every))
      out.every.reset();
    else if (const auto duration = every->duration(10s, 30 * 24h))
      out.every = *duration;
  }
  fields.finish();
  return out;
}

}  // namespace sonde
