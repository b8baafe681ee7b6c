// Names of files and branches that a table's own files give.
#pragma once

#include <string_view>

namespace pilum::dataset {

/// Whether a '/'-separated path stays below the folder it is relative to: no empty, "." or ".."
/// parts (so it is not absolute either) and no NUL.
bool IsInnerPath(std::string_view path);

}  // namespace pilum::dataset
