#pragma once

#include <string>
#include <string_view>

namespace sonde::test {

/// The absolute path of a file of this source tree, which `path` names relative to its root. Only one object file
/// knows where the tree is, so that the compiler's cache serves every other checkout, too.
std::string source_file(std::string_view path);

}  // namespace sonde::test
