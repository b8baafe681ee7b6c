#define PILUM_KERNELS pack_scalar
#include "encoding/bitpacking/pack_kernels.inc"
