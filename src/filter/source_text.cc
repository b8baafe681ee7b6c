#include "filter/source_text.h"

#include <algorithm>

#include "pilum/error.h"

namespace pilum::filter {

arrow::Status SourceText::ErrorAt(size_t offset, const std::string& message) const {
  const size_t position = 1 + CountCharacters(0, std::min(offset, text_.size()));
  return MakeError(ErrorKind::kInvalidArgument, MessageAt(position, message));
}

size_t SourceText::CountCharacters(size_t begin, size_t end) const {
  auto starts_character = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
  return std::count_if(text_.begin() + begin, text_.begin() + end, starts_character);
}

std::string MessageAt(size_t position, const std::string& message) {
  return "SQL, position " + std::to_string(position) + ": " + message;
}

}  // namespace pilum::filter
