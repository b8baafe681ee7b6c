// Row numbers, ids and addresses as Python hands them over.
#pragma once

#include <cstdint>
#include <vector>

#include <nanobind/nanobind.h>

namespace pilum::python {

namespace nb = nanobind;

/// The integers of a sequence, or of a one-dimensional array or tensor in main memory (Arrow,
/// buffer protocol or DLPack). Raises TypeError for other things and RowNotFoundError for numbers
/// that no row can have. Needs the GIL.
std::vector<uint64_t> ToRowKeys(nb::handle rows);

}  // namespace pilum::python
