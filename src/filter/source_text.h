// The SQL text as the user wrote it, which every error points into.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <arrow/status.h>

namespace pilum::filter {

/// A view of the text; the caller keeps it alive.
class SourceText {
 public:
  explicit SourceText(std::string_view text) : text_(text) {}

  std::string_view text() const { return text_; }

  /// kInvalidArgument that names the place of byte `offset` as a character position from 1.
  arrow::Status ErrorAt(size_t offset, const std::string& message) const;

  /// The number of characters between two byte offsets.
  size_t CountCharacters(size_t begin, size_t end) const;

 private:
  std::string_view text_;
};

/// `message` about the place `position` in the text, a character counted from 1.
std::string MessageAt(size_t position, const std::string& message);

}  // namespace pilum::filter
