// Looking into a table: what its columns are made of, and whether all of it can be read.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <arrow/result.h>

namespace pilum {

/// One stored column of a version, over all its fragments.
struct ColumnReport {
  std::string path;   ///< dotted: "a.b"
  std::string type;   ///< Arrow type of the field
  uint64_t rows = 0;  ///< stored rows (for items of lists: of the table), deleted ones included
  uint64_t pages = 0;
  uint64_t stored_bytes = 0;  ///< in data files, page metadata included; blobs stored apart are not
  /// How pages are encoded, with the number of pages and stored bytes of each way.
  struct Encoding {
    std::string description;  ///< "mini-block bitpacked64"
    uint64_t pages = 0;
    uint64_t stored_bytes = 0;
  };
  std::vector<Encoding> encodings;
};

/// Damage found by a verification.
struct Damage {
  uint64_t fragment = 0;
  std::string file;
  std::string column;
  std::string message;  ///< what is wrong, with the byte offset where known
};

struct VerifyReport {
  uint64_t fragments = 0;
  uint64_t files = 0;
  uint64_t rows = 0;           ///< live rows decoded
  uint64_t decoded_bytes = 0;  ///< Arrow bytes
  std::vector<Damage> damages;
};

/// Called now and then from the verifying thread with the values (rows times columns) verified and
/// in total; returning false cancels.
using VerifyProgress = std::function<bool(uint64_t done, uint64_t total)>;

}  // namespace pilum
