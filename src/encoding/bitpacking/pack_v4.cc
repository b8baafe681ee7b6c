#define PILUM_KERNELS pack_v4
#include "encoding/bitpacking/pack_kernels.inc"
