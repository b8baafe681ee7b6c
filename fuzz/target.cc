// One fuzz target: hands the input to the function that the build names.
#include PILUM_FUZZ_HEADER

#include <cstddef>
#include <cstdint>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  PILUM_FUZZ_FUNCTION(std::as_bytes(std::span(data, size)));
  return 0;
}
