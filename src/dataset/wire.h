// Parsing of wire messages that come from files.
#pragma once

#include <climits>
#include <string>
#include <string_view>

#include <arrow/result.h>
#if __has_include(<google/protobuf/stubs/logging.h>)
#include <google/protobuf/stubs/logging.h>
#define PILUM_PROTOBUF_LOGS
#endif

#include "bytes/byte_reader.h"

namespace pilum::dataset {

/// Parses a whole message; `what` names it in the error. Text fields that are not UTF-8 fail, too.
template <typename Message>
arrow::Result<Message> ParseMessage(bytes::Bytes encoded, std::string_view what) {
#ifdef PILUM_PROTOBUF_LOGS
  // Releases before 22 print about invalid UTF-8, which the error below says already.
  google::protobuf::LogSilencer silence;
#endif
  Message message;
  if (encoded.size() > INT_MAX ||
      !message.ParseFromArray(encoded.data(), static_cast<int>(encoded.size()))) {
    return bytes::Corrupt("the " + std::to_string(encoded.size()) + " bytes of the " +
                          std::string(what) + " are not a valid message of that kind");
  }
  return message;
}

}  // namespace pilum::dataset
