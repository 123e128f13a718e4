#include <nlohmann/json.hpp>

#include <utility>

#include "coordinator/web/endpoints.h"
#include "coordinator/web/json.h"
#include "coordinator/web/path_json.h"

namespace sonde::web {

Response path_endpoint(const Link& link, const Target& target, const Sources& sources) {
  Parameters parameters(target, sources.now);
  if (auto problem = parameters.problem()) return std::move(*problem);
  const PathTrace* known = sources.paths != nullptr ? sources.paths->known(link) : nullptr;
  return json_response(Json{{"mesh", sources.mesh.name},
                            {"from", link.from.str()},
                            {"to", link.to.str()},
                            {"path", known != nullptr ? trace_json(*known) : Json()}});
}

}  // namespace sonde::web
