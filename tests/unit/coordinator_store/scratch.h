// A folder of its own for each test, gone afterwards; and batches to store.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/core/ingest.h"
#include "tests/unit/coordinator_core/sample_results.h"

namespace sonde::test {

class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "sonde-store-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no scratch folder");
    folder_ = name;
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  std::filesystem::path folder() const { return folder_; }
  std::filesystem::path file() const { return folder_ / "results.db"; }

 private:
  std::filesystem::path folder_;
};

/// Of one site's spool: the results `first` to `last`, of which number n finished at n seconds.
inline StoreBatch make_batch(std::uint64_t first, std::uint64_t last, std::string_view from = "berlin",
                             std::uint64_t spool = 0xFEDC'BA98'7654'3210) {
  StoreBatch batch{.site = SiteId::known(from), .spool = spool, .after = first - 1, .up_to = last, .results = {}};
  for (std::uint64_t seq = first; seq <= last; ++seq) {
    Result result = latency_result(seq, static_cast<double>(seq), {1, 2, 3});
    result.id = {batch.site, spool, seq};
    batch.results.push_back(std::move(result));
  }
  return batch;
}

/// What the store keeps of a result: distributions of times have no sum of inverses there (docs/storage.md).
inline Result as_kept(Result result) {
  for (DistributionValue& value : result.distributions) {
    if (info(value.metric).unit != "s") continue;
    auto parts = value.samples.parts();
    parts.inverses = {};
    value.samples = Distribution::restore(std::move(parts)).value();
  }
  return result;
}

inline std::vector<Result> as_kept(std::vector<Result> results) {
  for (Result& result : results) result = as_kept(std::move(result));
  return results;
}

}  // namespace sonde::test
