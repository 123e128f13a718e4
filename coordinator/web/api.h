// The HTTP interface: a request and the system's state become an answer. Endpoints: docs/api.md.
#pragma once

#include "coordinator/web/request.h"
#include "coordinator/web/response.h"
#include "coordinator/web/sources.h"

namespace sonde::web {

/// Total: whatever the request holds, the result is an answer. Pure; what needs the history comes as Deferred or
/// PieceSource. HEAD is answered as GET (the server drops the body).
Response handle(const Request& request, const Sources& sources);

}  // namespace sonde::web
