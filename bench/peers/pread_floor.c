/* The least that taking rows can cost: one pread per row from the page cache into one buffer. */
#define _GNU_SOURCE
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

/* Reads sizes[i] bytes at offsets[i] for every i, one after the other, to `out`. 0, or -1 on a
 * short read. */
int pread_rows(int fd, const int64_t* offsets, const int64_t* sizes, size_t n, char* out) {
  for (size_t i = 0; i < n; i++) {
    if (pread(fd, out, (size_t)sizes[i], offsets[i]) != sizes[i]) return -1;
    out += sizes[i];
  }
  return 0;
}
