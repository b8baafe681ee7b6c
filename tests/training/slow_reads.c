// Loaded before the C library: positional reads of table files take 3 ms more, as from a slow disk.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static ssize_t Slow(const char* name, int fd, void* out, size_t count, off_t offset) {
  char link[64], path[4096];
  snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, sizeof(path) - 1);
  path[length > 0 ? length : 0] = '\0';
  if (strstr(path, ".lance/data/") != NULL) {
    const struct timespec delay = {0, 3000000};
    nanosleep(&delay, NULL);
  }
  ssize_t (*real)(int, void*, size_t, off_t) = dlsym(RTLD_NEXT, name);
  return real(fd, out, count, offset);
}

ssize_t pread(int fd, void* out, size_t count, off_t offset) {
  return Slow("pread", fd, out, count, offset);
}

ssize_t pread64(int fd, void* out, size_t count, off_t offset) {
  return Slow("pread64", fd, out, count, offset);
}
