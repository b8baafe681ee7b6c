// Loaded before the C library: counts the calls that change files below a folder, and stops the
// process at one of them or makes it fail.
//
//   fail_at(folder, n, how, error, without_noreplace)
//                       counts from here on; n = 0: only counts
//   fail_at_reached()   whether there was an n-th call
//   fail_at_log()       the calls so far, a line each: name, a space, path
//
// Every wrapper asks Refused() before the call and says Done() after it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum How {
  kKillBefore,
  kKillAfter,
  kFailOnce,
  kFailFrom,   // and all calls that follow
  kShortWrite  // half of the bytes; the call that follows fails
};

static char folder[PATH_MAX];
static long at, count;
static int how, error, without_noreplace, was_cut;
static char calls[1 << 16];
static size_t length;

void fail_at(const char* below, long n, int what, int error_number, int no_noreplace) {
  snprintf(folder, sizeof(folder), "%s", below);
  at = n;
  how = what;
  error = error_number;
  without_noreplace = no_noreplace;
  was_cut = 0;
  count = 0;
  length = 0;
  calls[0] = '\0';
}

int fail_at_reached(void) { return at > 0 && count >= at; }
const char* fail_at_log(void) { return calls; }

static int Below(const char* path) {
  return folder[0] != '\0' && strncmp(path, folder, strlen(folder)) == 0;
}

static const char* PathOf(int fd, char* path) {
  char link[64];
  snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  const ssize_t n = readlink(link, path, PATH_MAX - 1);
  path[n > 0 ? n : 0] = '\0';
  return path;
}

static void Kill(void) { kill(getpid(), SIGKILL); }

static int Fails(const char* name) {
  if (how == kFailOnce) return count == at;
  if (how == kShortWrite) return was_cut && count == at + 1;
  // On a full disk, files can be removed.
  return count >= at && !(error == ENOSPC && strcmp(name, "unlink") == 0);
}

static int Refused(const char* name, const char* path) {
  if (!Below(path)) return 0;
  ++count;
  const int added = snprintf(calls + length, sizeof(calls) - length, "%s %s\n", name, path);
  if (added > 0 && length + added < sizeof(calls)) length += added;
  if (at == 0) return 0;
  if (how == kKillBefore && count == at) Kill();
  if (how == kKillBefore || how == kKillAfter || !Fails(name)) return 0;
  errno = error;
  return 1;
}

static void Done(const char* path) {
  if (at > 0 && how == kKillAfter && count == at && Below(path)) Kill();
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

// The one that changes something is the one that may make a file.
static int Open(const char* symbol, const char* path, int flags, mode_t mode) {
  int (*real)(const char*, int, ...) = dlsym(RTLD_NEXT, symbol);
  if (!(flags & O_CREAT)) return real(path, flags, mode);
  if (Refused("open", path)) return -1;
  const int result = real(path, flags, mode);
  Done(path);
  return result;
}

static mode_t ModeOf(int flags, va_list arguments) {
  return flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
}

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = ModeOf(flags, arguments);
  va_end(arguments);
  return Open("open", path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = ModeOf(flags, arguments);
  va_end(arguments);
  return Open("open64", path, flags, mode);
}

ssize_t write(int fd, const void* bytes, size_t size) {
  char buffer[PATH_MAX];
  const char* path = PathOf(fd, buffer);
  if (Refused("write", path)) return -1;
  if (at > 0 && how == kShortWrite && count == at && Below(path)) was_cut = 1, size /= 2;
  const ssize_t result = REAL(write)(fd, bytes, size);
  Done(path);
  return result;
}

int fsync(int fd) {
  char buffer[PATH_MAX];
  const char* path = PathOf(fd, buffer);
  if (Refused("fsync", path)) return -1;
  const int result = REAL(fsync)(fd);
  Done(path);
  return result;
}

int rename(const char* from, const char* to) {
  if (Refused("rename", to)) return -1;
  const int result = REAL(rename)(from, to);
  Done(to);
  return result;
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to,
              unsigned int flags) {
  if (without_noreplace && (flags & RENAME_NOREPLACE)) {
    errno = EINVAL;
    return -1;
  }
  if (Refused("renameat2", to)) return -1;
  const int result = REAL(renameat2)(from_folder, from, to_folder, to, flags);
  Done(to);
  return result;
}

int link(const char* from, const char* to) {
  if (Refused("link", to)) return -1;
  const int result = REAL(link)(from, to);
  Done(to);
  return result;
}

int mkdir(const char* path, mode_t mode) {
  if (Refused("mkdir", path)) return -1;
  const int result = REAL(mkdir)(path, mode);
  Done(path);
  return result;
}

int unlink(const char* path) {
  if (Refused("unlink", path)) return -1;
  const int result = REAL(unlink)(path);
  Done(path);
  return result;
}
