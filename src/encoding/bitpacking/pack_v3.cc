#define PILUM_KERNELS pack_v3
#include "encoding/bitpacking/pack_kernels.inc"
