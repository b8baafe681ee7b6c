// Parsing of wire messages that come from files.
#pragma once

#include <climits>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <arrow/result.h>

#include "pilum/error.h"

#if __has_include(<google/protobuf/stubs/logging.h>)
#include <google/protobuf/stubs/logging.h>
#define PILUM_PROTOBUF_LOGS
#endif

namespace lance {

/// Sets a message to the whole of `encoded`; kCorruptData, naming `what` it should be, if it is none.
/// Text that is not UTF-8 fails, too.
template <typename Message>
arrow::Status ParseInto(std::span<const std::byte> encoded, std::string_view what,
                        Message* message) {
#ifdef PILUM_PROTOBUF_LOGS
  // Releases before 22 print about invalid UTF-8; the error says it.
  google::protobuf::LogSilencer silence;
#endif
  if (encoded.size() <= INT_MAX &&
      message->ParseFromArray(encoded.data(), static_cast<int>(encoded.size()))) {
    return arrow::Status::OK();
  }
  return pilum::MakeError(pilum::ErrorKind::kCorruptData,
                          "the " + std::to_string(encoded.size()) + " bytes of the " +
                              std::string(what) + " are not a valid message of that kind");
}

template <typename Message>
arrow::Result<Message> ParseMessage(std::span<const std::byte> encoded, std::string_view what) {
  Message message;
  ARROW_RETURN_NOT_OK(ParseInto(encoded, what, &message));
  return message;
}

template <typename Message>
arrow::Result<Message> ParseMessage(std::string_view encoded, std::string_view what) {
  return ParseMessage<Message>(std::as_bytes(std::span(encoded.data(), encoded.size())), what);
}

}  // namespace lance
