#include "coordinator/web/tokens.h"

#include <fmt/format.h>

#include <algorithm>

namespace sonde::web {
namespace {

constexpr std::string_view scheme = "Bearer ";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_visible(char c) { return c > ' ' && c < 0x7f; }

/// Looks at every octet of the secret whatever was shown.
bool same(std::string_view shown, std::string_view secret) {
  unsigned difference = shown.size() == secret.size() ? 0U : 1U;
  for (std::size_t i = 0; i < secret.size(); ++i) {
    const char other = shown.empty() ? '\0' : shown[i % shown.size()];
    difference |= static_cast<unsigned char>(static_cast<unsigned char>(secret[i]) ^ static_cast<unsigned char>(other));
  }
  return difference == 0;
}

Response refuse(unsigned status, std::string_view what) {
  Response response = error_response(status, what);
  if (status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"sonde\"");
  return response;
}

}  // namespace

Expected<std::string> token_in(std::string_view file_text) {
  while (!file_text.empty() && (file_text.back() == '\n' || file_text.back() == '\r')) file_text.remove_suffix(1);
  if (file_text.empty()) return fail("the file is empty; write a token into it with `openssl rand -hex 32`");
  if (file_text.size() > token_most)
    return fail(fmt::format("a token has at most {} characters, this file has {}", token_most, file_text.size()));
  if (!std::ranges::all_of(file_text, is_visible))
    return fail("a token is one line of visible ASCII characters without blanks");
  return std::string(file_text);
}

std::expected<std::string, Response> token_holder(std::string_view authorization, std::span<const ApiToken> tokens) {
  if (tokens.empty())
    return std::unexpected(refuse(
        403,
        "nothing may be changed over HTTP: the coordinator's configuration has no `tokens:`; give it one and reload"));
  if (authorization.empty())
    return std::unexpected(refuse(401, "this needs a token: send `Authorization: Bearer TOKEN` with one of `tokens:`"));
  const bool is_bearer = authorization.size() > scheme.size() &&
                         std::ranges::equal(authorization.substr(0, scheme.size()), scheme, {}, lower, lower);
  const std::string_view shown = is_bearer ? authorization.substr(scheme.size()) : std::string_view();
  const ApiToken* found = nullptr;
  for (const ApiToken& token : tokens)
    if (same(shown, token.secret)) found = &token;
  if (found != nullptr) return found->name;
  return std::unexpected(refuse(401, is_bearer
                                         ? "the coordinator does not know this token; compare it with the files of "
                                           "`tokens:` in its configuration"
                                         : "the Authorization header must be `Bearer TOKEN`"));
}

}  // namespace sonde::web
