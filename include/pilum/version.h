// The version of pilum.
#pragma once

namespace pilum {

/// "major.minor.patch"
const char* Version();

}  // namespace pilum
