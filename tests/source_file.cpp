#include "tests/source_file.h"

#include <filesystem>

namespace sonde::test {

std::string source_file(std::string_view path) { return std::filesystem::path(SONDE_SOURCE_DIR) / path; }

}  // namespace sonde::test
