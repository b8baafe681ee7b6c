// What all writers of objects share: after an error or Finish, nothing more can be written.
#pragma once

#include <memory>
#include <string>

#include <arrow/status.h>

#include "pilum/error.h"

namespace pilum::io {

/// Runs `step`, which writes to `*target`. A failed step takes the target away: an object with a
/// piece missing must not become visible. Without a target it fails.
template <typename Target, typename Step>
arrow::Status WriterStep(std::unique_ptr<Target>& target, const std::string& path, Step step) {
  if (!target) {
    return MakeError(ErrorKind::kInvalidArgument,
                     "the writer of '" + path + "' has finished or failed; make a new one",
                     {.path = path});
  }
  arrow::Status status = step(*target);
  if (!status.ok()) target.reset();
  return status;
}

}  // namespace pilum::io
