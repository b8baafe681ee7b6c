#include "pilum/version.h"

namespace pilum {

const char* Version() { return PILUM_VERSION; }

}  // namespace pilum
