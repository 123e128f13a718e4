#include "coordinator/web/page.h"

namespace sonde::web {

std::optional<PageFile> page_file(std::string_view /*path*/) { return std::nullopt; }

}  // namespace sonde::web
