#define PILUM_KERNELS unpack_v4
#include "encoding/bitpacking/unpack_kernels.inc"
