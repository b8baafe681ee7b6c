// Parsing of the messages of a table's own files, with errors that name them.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <arrow/result.h>

#include "bytes/byte_reader.h"
#include "lance/parse_message.h"

namespace pilum::dataset {

/// Parses a whole message; `what` names it in the error. Text fields that are not UTF-8 fail, too.
template <typename Message>
arrow::Result<Message> ParseMessage(bytes::Bytes encoded, std::string_view what) {
  auto message = lance::ParseMessage<Message>(encoded);
  if (!message) {
    return bytes::Corrupt("the " + std::to_string(encoded.size()) + " bytes of the " +
                          std::string(what) + " are not a valid message of that kind");
  }
  return *std::move(message);
}

}  // namespace pilum::dataset
