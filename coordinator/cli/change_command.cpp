#include "coordinator/cli/change_command.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "coordinator/cli/http_client.h"
#include "coordinator/cli/json_read.h"
#include "shared/io/daemon.h"

namespace sonde::cli {
namespace {

std::string attempt_of(Verb verb) {
  if (verb == Verb::silence_add) return "set a silence";
  return verb == Verb::silence_end ? "end a silence" : "acknowledge";
}

Json body_of(const Options& options) {
  Json body = Json::object();
  for (const auto& [key, value] : options.said) body[key] = value;
  if (options.verb == Verb::silence_add) body["matchers"] = options.matchers;
  return body;
}

Expected<HttpReply> send(const Options& options, const std::string& token) {
  if (options.verb == Verb::silence_end)
    return http_delete(options.coordinator, "/api/v1/silences/" + url_encoded(options.silence), token);
  const std::string path = options.verb == Verb::silence_add
                               ? "/api/v1/silences"
                               : "/api/v1/incidents/" + url_encoded(options.incident) + "/acknowledge";
  if (options.verb == Verb::acknowledge && options.withdraw) return http_delete(options.coordinator, path, token);
  return http_post(options.coordinator, path, body_of(options).dump(-1, ' ', false, Json::error_handler_t::replace),
                   token);
}

}  // namespace

Expected<std::string> read_token(const std::string& file, std::string_view attempt) {
  if (file.empty())
    return fail(
        fmt::format("{}: this needs a token; name the file that holds one of the coordinator's `tokens:` with "
                    "--token-file FILE or SONDE_TOKEN_FILE",
                    attempt));
  auto text = io::read_file(file);
  if (!text) return fail(fmt::format("read the token: {}", text.error().what));
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
  if (text->empty()) return fail(fmt::format("read the token: {} is empty", file));
  if (text->find_first_of("\r\n") != std::string::npos)
    return fail(fmt::format("read the token: {} has more than one line", file));
  return *std::move(text);
}

Expected<std::string> change(const Options& options) {
  const std::string attempt = attempt_of(options.verb);
  const auto token = read_token(options.token_file, attempt);
  if (!token) return std::unexpected(token.error());
  auto reply = send(options, *token);
  if (!reply) return std::unexpected(reply.error());
  if (reply->status == 200 || reply->status == 201) return std::move(reply->body);
  const std::string what = text_at(Json::parse(reply->body, nullptr, false), "error");
  return fail(
      fmt::format("{}: {}: {}", attempt, options.coordinator,
                  what.empty() ? fmt::format("HTTP status {}; is that a Sonde coordinator?", reply->status) : what));
}

}  // namespace sonde::cli
