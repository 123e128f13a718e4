// What a response says, for tests that ask and look.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <variant>

#include "coordinator/web/response.h"

namespace sonde::web {

inline nlohmann::json body_of(const Response& response) {
  return nlohmann::json::parse(std::get<std::string>(response.body));
}
inline std::string error_of(const Response& response) { return body_of(response).at("error"); }
/// Empty where there is none.
inline std::string header(const Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (key == name) return value;
  return "";
}

}  // namespace sonde::web
