// FileCache: the parsed data files of a table, shared by all its versions.
//
// Data files never change, so a parsed file serves every version that names it. Bounded by the
// bytes of metadata held; the file not used for longest goes first. Thread-safe.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include <arrow/result.h>

#include "file/file_reader.h"
#include "runtime/fork_mutex.h"

namespace pilum::scan {

class FileCache {
 public:
  explicit FileCache(size_t max_bytes) : max_bytes_(max_bytes) {}

  using Open = std::function<arrow::Result<std::shared_ptr<file::FileReader>>()>;
  /// The file under `key`, opened by `open` if it is not here.
  arrow::Result<std::shared_ptr<file::FileReader>> Get(const std::string& key, const Open& open);

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<file::FileReader> file;
  };
  /// Takes out what does not fit.
  std::list<Entry> Trim();

  const size_t max_bytes_;
  runtime::ForkMutex mutex_;  // nothing is destroyed while it is held
  uint64_t hits_ = 0;
  std::list<Entry> entries_;  // most recently used first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_key_;
};

}  // namespace pilum::scan
