// Reads a request's parameters by type and collects what is wrong with them.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "coordinator/core/matrix.h"
#include "coordinator/core/mesh.h"
#include "coordinator/web/request.h"
#include "coordinator/web/response.h"

namespace sonde::web {

/// What is shown first: the median, of ratios the pooled mean.
Stat default_stat(Metric metric);

/// Ask for every parameter that the endpoint knows, then for problem(): it names the first that is wrong, or one that
/// nobody asked for. Until then a wrong parameter reads as its default.
class Parameters {
 public:
  Parameters(const Target& target, SharedTime now) : target_(target), now_(now) {}

  std::optional<std::string> text(std::string_view name);
  std::optional<SharedTime> time(std::string_view name);
  std::optional<std::uint64_t> number(std::string_view name);
  /// A positive duration.
  std::optional<nanoseconds> duration(std::string_view name);
  std::optional<Probe> probe(std::string_view name);
  /// A result's id.
  std::optional<RunId> run(std::string_view name);
  /// A site of the mesh.
  std::optional<SiteId> site(std::string_view name, const Mesh& mesh);
  /// `metric`, `stat`, `window` and `at`, with their defaults.
  CellQuery cell_query();
  Metric metric();
  /// `window`, default `otherwise`.
  nanoseconds window(nanoseconds otherwise);
  /// `at`, default now; refuses the future.
  SharedTime at();

  void refuse(unsigned status, const std::string& what);
  std::optional<Response> problem() const;

 private:
  const std::string* take(std::string_view name);

  const Target& target_;
  SharedTime now_;
  std::set<std::string, std::less<>> asked_;
  std::optional<Response> problem_;
};

}  // namespace sonde::web
