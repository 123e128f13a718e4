// A folder for a spool, and results to put into it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "shared/measure/result.h"

namespace sonde {

struct SpoolFolder {
  std::filesystem::path path;
  SpoolFolder() {
    std::string name = "/tmp/sonde-spool-test-XXXXXX";
    path = mkdtemp(name.data());
  }
  ~SpoolFolder() { std::filesystem::remove_all(path); }
  SpoolFolder(const SpoolFolder&) = delete;
  SpoolFolder& operator=(const SpoolFolder&) = delete;
  std::filesystem::path file() const { return path / "spool.db"; }

  static SiteId site() { return SiteId::known("berlin"); }
  static Result sample(double value) {
    Result result;
    result.id.from = site();
    result.to = SiteId::known("athens");
    result.values = {{Metric::connect, value}};
    return result;
  }
  static std::vector<Result> samples(std::size_t count) {
    std::vector<Result> results;
    for (std::size_t i = 0; i < count; ++i) results.push_back(sample(static_cast<double>(i)));
    return results;
  }
};

}  // namespace sonde
