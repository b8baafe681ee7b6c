#define PILUM_KERNELS unpack_scalar
#include "encoding/bitpacking/unpack_kernels.inc"
