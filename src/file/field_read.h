// FieldRead: one field of the result being read.
//
//   while (Step(fetch)) run the fetch        page indexes, then values, then what values point at
//   Finish()                                 decode what is left and assemble the Arrow array
//
// A read belongs to one thread at a time. Fields of a batch are stepped together, so that each
// step's reads of all of them are coalesced.
#pragma once

#include <memory>

#include <arrow/array/data.h>
#include <arrow/memory_pool.h>
#include <arrow/result.h>

#include "file/field_tree.h"
#include "io/fetch.h"

namespace pilum::file {

class FieldRead {
 public:
  virtual ~FieldRead() = default;

  /// Adds the byte ranges wanted next and returns true; or returns false when nothing more has to
  /// be fetched. It may leave all of them to the next call when other fields have added many. The
  /// fetch has been run before the next call.
  virtual arrow::Result<bool> Step(const std::shared_ptr<io::Fetch>& fetch) = 0;

  /// About how much the values take, as far as that is known before they are fetched. At first it
  /// may be the rows' share of the pages that they are in; after Step, it may be known better.
  virtual uint64_t value_bytes() const = 0;

  /// The field's values, in slot order.
  virtual arrow::Result<std::shared_ptr<arrow::ArrayData>> Finish() = 0;
};

/// A read of the tree's field. All sources are of one storage version.
arrow::Result<std::unique_ptr<FieldRead>> MakeFieldRead(FieldTree tree, FormatVersion version,
                                                        arrow::MemoryPool* pool);

}  // namespace pilum::file
