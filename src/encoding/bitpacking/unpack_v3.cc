#define PILUM_KERNELS unpack_v3
#include "encoding/bitpacking/unpack_kernels.inc"
