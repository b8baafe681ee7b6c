#include "filter/source_text.h"

#include <algorithm>

#include "pilum/error.h"

namespace pilum::filter {

arrow::Status SourceText::ErrorAt(size_t offset, const std::string& message) const {
  std::string_view before = text_.substr(0, std::min(offset, text_.size()));
  auto starts_character = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
  auto position = 1 + std::count_if(before.begin(), before.end(), starts_character);
  return MakeError(ErrorKind::kInvalidArgument,
                   "SQL, position " + std::to_string(position) + ": " + message);
}

}  // namespace pilum::filter
