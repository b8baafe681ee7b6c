#include "rows/row_address.h"

namespace pilum::rows {

std::string DescribeRowAddress(uint64_t address) {
  return "row " + std::to_string(OffsetOf(address)) + " of fragment " +
         std::to_string(FragmentOf(address));
}

}  // namespace pilum::rows
