#include "pilum/error.h"

#include <string_view>

namespace pilum {
namespace {

constexpr char kTypeId[] = "pilum::ErrorDetail";

std::string_view KindName(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kNotFound:
      return "not found";
    case ErrorKind::kAlreadyExists:
      return "already exists";
    case ErrorKind::kInvalidArgument:
      return "invalid argument";
    case ErrorKind::kCorruptData:
      return "corrupt data";
    case ErrorKind::kUnsupported:
      return "unsupported";
    case ErrorKind::kCommitConflict:
      return "commit conflict";
    case ErrorKind::kPermission:
      return "permission denied";
    case ErrorKind::kUnavailable:
      return "unavailable";
    case ErrorKind::kCancelled:
      return "cancelled";
    case ErrorKind::kInternal:
      return "internal error";
  }
  return "internal error";
}

arrow::StatusCode CodeOf(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kNotFound:
      return arrow::StatusCode::KeyError;
    case ErrorKind::kAlreadyExists:
      return arrow::StatusCode::AlreadyExists;
    case ErrorKind::kInvalidArgument:
      return arrow::StatusCode::Invalid;
    case ErrorKind::kCorruptData:
      return arrow::StatusCode::SerializationError;
    case ErrorKind::kUnsupported:
      return arrow::StatusCode::NotImplemented;
    case ErrorKind::kPermission:
    case ErrorKind::kUnavailable:
      return arrow::StatusCode::IOError;
    case ErrorKind::kCancelled:
      return arrow::StatusCode::Cancelled;
    case ErrorKind::kCommitConflict:
    case ErrorKind::kInternal:
      return arrow::StatusCode::UnknownError;
  }
  return arrow::StatusCode::UnknownError;
}

void Fill(std::string* to, const std::string& from) {
  if (to->empty()) *to = from;
}

template <typename T>
void Fill(std::optional<T>* to, const std::optional<T>& from) {
  if (!*to) *to = from;
}

}  // namespace

const char* ErrorDetail::type_id() const { return kTypeId; }

std::string ErrorDetail::ToString() const {
  std::string text(KindName(kind_));
  if (!where_.path.empty()) text += ", file " + where_.path;
  if (where_.version) text += ", version " + std::to_string(*where_.version);
  if (!where_.column.empty()) text += ", column " + where_.column;
  if (where_.offset) text += ", byte " + std::to_string(*where_.offset);
  return text;
}

arrow::Status MakeError(ErrorKind kind, std::string message, ErrorWhere where) {
  return arrow::Status(CodeOf(kind), std::move(message),
                       std::make_shared<ErrorDetail>(kind, std::move(where)));
}

std::shared_ptr<const ErrorDetail> GetErrorDetail(const arrow::Status& status) {
  const auto& detail = status.detail();
  if (!detail || std::string_view(detail->type_id()) != kTypeId) return nullptr;
  return std::static_pointer_cast<const ErrorDetail>(detail);
}

ErrorKind GetErrorKind(const arrow::Status& status) {
  if (auto detail = GetErrorDetail(status)) return detail->kind();
  if (status.IsInvalid() || status.IsTypeError() || status.IsIndexError()) {
    return ErrorKind::kInvalidArgument;
  }
  if (status.IsNotImplemented()) return ErrorKind::kUnsupported;
  if (status.IsIOError() || status.IsOutOfMemory()) return ErrorKind::kUnavailable;
  if (status.IsKeyError()) return ErrorKind::kNotFound;
  if (status.IsAlreadyExists()) return ErrorKind::kAlreadyExists;
  if (status.IsSerializationError()) return ErrorKind::kCorruptData;
  if (status.IsCancelled()) return ErrorKind::kCancelled;
  return ErrorKind::kInternal;
}

arrow::Status WithContext(const arrow::Status& status, const ErrorWhere& where) {
  if (status.ok()) return status;
  ErrorWhere merged;
  if (auto detail = GetErrorDetail(status)) merged = detail->where();
  Fill(&merged.path, where.path);
  Fill(&merged.offset, where.offset);
  Fill(&merged.column, where.column);
  Fill(&merged.version, where.version);
  return arrow::Status(status.code(), status.message(),
                       std::make_shared<ErrorDetail>(GetErrorKind(status), std::move(merged)));
}

}  // namespace pilum
