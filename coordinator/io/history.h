// The history for the HTTP interface: each call opens its own reader of the store, on the HTTP server's worker thread.
#pragma once

#include <filesystem>
#include <memory>

#include "coordinator/web/history.h"

namespace sonde::io {

std::shared_ptr<web::HistoryReader> make_history(std::filesystem::path store);

}  // namespace sonde::io
