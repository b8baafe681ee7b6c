// Errors of pilum.
//
// Every fallible function returns arrow::Status or arrow::Result. What happened, in a form programs
// can act on, travels in an ErrorDetail: the kind of failure and where it was found. The message
// always says the same in words. Values only: safe to copy between threads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <arrow/status.h>

namespace pilum {

enum class ErrorKind {
  kNotFound,         ///< a table, version, tag, branch or file does not exist
  kAlreadyExists,    ///< something of that name is there already
  kInvalidArgument,  ///< the caller's values are wrong, names of columns among them
  kCorruptData,      ///< bytes on disk contradict the format or each other
  kUnsupported,      ///< valid, but not something this version reads
  kCommitConflict,   ///< another writer committed something incompatible
  kPermission,       ///< the store refused access
  kUnavailable,      ///< the store failed or timed out; trying again may help
  kCancelled,        ///< stopped on request
  kInternal,         ///< a bug in pilum
};

/// Where an error was found. Unknown parts are left empty.
struct ErrorWhere {
  std::string path = {};                 ///< file or object, as the store names it
  std::optional<uint64_t> offset = {};   ///< byte offset in that file
  std::string column = {};               ///< dotted field path
  std::optional<uint64_t> version = {};  ///< table version
};

/// Attached to every Status that pilum makes.
class ErrorDetail final : public arrow::StatusDetail {
 public:
  ErrorDetail(ErrorKind kind, ErrorWhere where) : kind_(kind), where_(std::move(where)) {}

  ErrorKind kind() const { return kind_; }
  const ErrorWhere& where() const { return where_; }

  const char* type_id() const override;
  std::string ToString() const override;

 private:
  ErrorKind kind_;
  ErrorWhere where_;
};

/// A Status of `kind` with `message`; the Arrow status code follows from the kind.
arrow::Status MakeError(ErrorKind kind, std::string message, ErrorWhere where = {});

/// The detail of a Status, or null when it did not come from pilum (Arrow itself failed).
std::shared_ptr<const ErrorDetail> GetErrorDetail(const arrow::Status& status);

/// The kind of any Status; statuses without detail are classified by their Arrow code.
ErrorKind GetErrorKind(const arrow::Status& status);

/// `status` with the parts of `where` that it does not name yet; OK stays OK. Modules call this
/// once, at their border, so that a message reads "file x.lance, column a.b, byte 4096: …".
arrow::Status WithContext(const arrow::Status& status, const ErrorWhere& where);

}  // namespace pilum
