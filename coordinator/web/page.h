// The files of the web page, embedded into the coordinator (coordinator/ui). In a build without the page
// (SONDE_PAGE=OFF) the linker takes page_absent.cpp from this room's archive, which has none. The page's target is an
// OBJECT library, so that its definition comes before the archive is searched.
#pragma once

#include <optional>
#include <string_view>

namespace sonde::web {

/// One file of the page; both views live as long as the program.
struct PageFile {
  std::string_view content_type;  ///< "text/html; charset=utf-8"
  std::string_view bytes;
};

/// `path` begins with a slash: "/" (the page itself), "/app.js". nullopt where the page has no such file. Pure.
std::optional<PageFile> page_file(std::string_view path);

}  // namespace sonde::web
