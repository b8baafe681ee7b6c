// Parsing of wire messages that come from files.
#pragma once

#include <climits>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#if __has_include(<google/protobuf/stubs/logging.h>)
#include <google/protobuf/stubs/logging.h>
#define PILUM_PROTOBUF_LOGS
#endif

namespace lance {

/// The whole of `encoded` as a message, or nothing if it is none. Text that is not UTF-8 fails,
/// too.
template <typename Message>
std::optional<Message> ParseMessage(std::span<const std::byte> encoded) {
#ifdef PILUM_PROTOBUF_LOGS
  // Releases before 22 print about invalid UTF-8; the caller's error says it.
  google::protobuf::LogSilencer silence;
#endif
  std::optional<Message> message(std::in_place);
  if (encoded.size() > INT_MAX ||
      !message->ParseFromArray(encoded.data(), static_cast<int>(encoded.size()))) {
    message.reset();
  }
  return message;
}

template <typename Message>
std::optional<Message> ParseMessage(std::string_view encoded) {
  return ParseMessage<Message>(std::as_bytes(std::span(encoded.data(), encoded.size())));
}

}  // namespace lance
