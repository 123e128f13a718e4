// Who may change anything over HTTP. Pure.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "coordinator/web/response.h"
#include "shared/base/error.h"

namespace sonde::web {

struct ApiToken {
  std::string name;    ///< whom a run on demand is said to come from
  std::string secret;  ///< what the client has to show
};

inline constexpr std::size_t token_most = 512;

/// The token in a token file: its one line, of at most 512 visible ASCII characters without blanks (RFC 6750, 2.1).
Expected<std::string> token_in(std::string_view file_text);

/// The name of the token that an Authorization header shows ("Bearer SECRET", RFC 6750), or the answer that refuses it:
/// 401 without a token or with a wrong one, 403 where the coordinator has no tokens at all. The time that it takes does
/// not depend on how much of a secret was right.
std::expected<std::string, Response> token_holder(std::string_view authorization, std::span<const ApiToken> tokens);

}  // namespace sonde::web
