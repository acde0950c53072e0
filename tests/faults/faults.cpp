// A library for LD_PRELOAD that makes calls of a program fail, as they do where memory, disk or
// threads are short:
//
//   HYPERCONV_FAULT=KIND,N    the N-th call of a kind, from main() on; "KIND,N+": that and all
//   after it HYPERCONV_FAULT_MARK=FILE made when a call has failed
//
// Kinds: memory, open, write, sync, rename, map, thread.
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>

// glibc's own, which are there before anything can be looked up.
extern "C" void* __libc_malloc(size_t);
extern "C" void* __libc_calloc(size_t, size_t);
extern "C" void* __libc_realloc(void*, size_t);
extern "C" void* __libc_memalign(size_t, size_t);

namespace {

enum Kind { none, memory, open_, write_, sync_, rename_, map, thread };

Kind wanted = none;
long wanted_call = 0;
bool and_all_after = false;
const char* mark = nullptr;
std::atomic<long> calls = 0;

/// By the system call itself: nothing of what is made to fail here.
void leave_mark() {
  if (mark == nullptr) return;
  const long file = ::syscall(SYS_openat, AT_FDCWD, mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (file >= 0) ::syscall(SYS_close, file);
}

/// Counts a call of this kind, and says whether it fails.
bool fails(Kind kind, int error) {
  if (kind != wanted) return false;
  const long number = ++calls;
  if (number < wanted_call || (number > wanted_call && !and_all_after)) return false;
  if (number == wanted_call) leave_mark();
  errno = error;
  return true;
}

Kind kind_of(const char* text, size_t length) {
  constexpr const char* names[] = {"none", "memory", "open", "write",
                                   "sync", "rename", "map",  "thread"};
  for (int i = 0; i < 8; ++i)
    if (std::strlen(names[i]) == length && std::strncmp(names[i], text, length) == 0)
      return Kind(i);
  return none;
}

void begin() {
  const char* fault = std::getenv("HYPERCONV_FAULT");
  mark = std::getenv("HYPERCONV_FAULT_MARK");
  const char* comma = fault == nullptr ? nullptr : std::strchr(fault, ',');
  if (comma == nullptr) return;
  wanted_call = std::atol(comma + 1);
  and_all_after = comma[std::strlen(comma) - 1] == '+';
  wanted = kind_of(fault, size_t(comma - fault));
}

/// As fails(), of a stream, whose ferror() is true from then on.
bool fails_on(FILE* stream) {
  if (!fails(write_, ENOSPC)) return false;
  constexpr int error_seen = 0x20;  // glibc's _IO_ERR_SEEN
  if (stream != nullptr) stream->_flags |= error_seen;
  return true;
}

/// The function that this library stands before.
template <class Function>
Function* behind(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

using Main = int(int, char**, char**);
Main* real_main = nullptr;

int counted_main(int count, char** arguments, char** environment) {
  begin();
  return real_main(count, arguments, environment);
}

}  // namespace

#define BEHIND(name) static auto* const real = behind<decltype(name)>(#name)

extern "C" {

int __libc_start_main(Main* main, int count, char** arguments, void (*init)(), void (*fini)(),
                      void (*rtld_fini)(), void* stack_end) {
  real_main = main;
  using Start = int(Main*, int, char**, void (*)(), void (*)(), void (*)(), void*);
  return behind<Start>("__libc_start_main")(counted_main, count, arguments, init, fini, rtld_fini,
                                            stack_end);
}

void* malloc(size_t size) { return fails(memory, ENOMEM) ? nullptr : __libc_malloc(size); }
void* calloc(size_t count, size_t size) {
  return fails(memory, ENOMEM) ? nullptr : __libc_calloc(count, size);
}
void* realloc(void* block, size_t size) {
  return fails(memory, ENOMEM) ? nullptr : __libc_realloc(block, size);
}
void* memalign(size_t alignment, size_t size) {
  return fails(memory, ENOMEM) ? nullptr : __libc_memalign(alignment, size);
}
void* aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
int posix_memalign(void** block, size_t alignment, size_t size) {
  void* const made = memalign(alignment, size);
  if (made == nullptr) return ENOMEM;
  *block = made;
  return 0;
}

int open(const char* path, int flags, ...) {
  BEHIND(open);
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = va_arg(rest, mode_t);
  va_end(rest);
  return fails(open_, EMFILE) ? -1 : real(path, flags, mode);
}
FILE* fopen(const char* path, const char* mode) {
  BEHIND(fopen);
  return fails(open_, EMFILE) ? nullptr : real(path, mode);
}
int open64(const char* path, int flags, ...) {
  BEHIND(open64);
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = va_arg(rest, mode_t);
  va_end(rest);
  return fails(open_, EMFILE) ? -1 : real(path, flags, mode);
}
FILE* fopen64(const char* path, const char* mode) {
  BEHIND(fopen64);
  return fails(open_, EMFILE) ? nullptr : real(path, mode);
}

int openat(int folder, const char* path, int flags, ...) {
  BEHIND(openat);
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = va_arg(rest, mode_t);
  va_end(rest);
  return fails(open_, EMFILE) ? -1 : real(folder, path, flags, mode);
}
DIR* opendir(const char* path) {
  BEHIND(opendir);
  return fails(open_, EMFILE) ? nullptr : real(path);
}

ssize_t write(int file, const void* bytes, size_t count) {
  BEHIND(write);
  return fails(write_, ENOSPC) ? -1 : real(file, bytes, count);
}
ssize_t pwrite(int file, const void* bytes, size_t count, off_t offset) {
  BEHIND(pwrite);
  return fails(write_, ENOSPC) ? -1 : real(file, bytes, count, offset);
}
ssize_t writev(int file, const iovec* parts, int count) {
  BEHIND(writev);
  return fails(write_, ENOSPC) ? -1 : real(file, parts, count);
}
size_t fwrite(const void* bytes, size_t size, size_t count, FILE* file) {
  BEHIND(fwrite);
  return fails_on(file) ? 0 : real(bytes, size, count, file);
}
int fflush(FILE* file) {
  BEHIND(fflush);
  return fails_on(file) ? EOF : real(file);
}

int fsync(int file) {
  BEHIND(fsync);
  return fails(sync_, EIO) ? -1 : real(file);
}
int fdatasync(int file) {
  BEHIND(fdatasync);
  return fails(sync_, EIO) ? -1 : real(file);
}
int syncfs(int file) {
  BEHIND(syncfs);
  return fails(sync_, EIO) ? -1 : real(file);
}

int rename(const char* from, const char* to) {
  BEHIND(rename);
  return fails(rename_, EIO) ? -1 : real(from, to);
}

void* mmap(void* place, size_t size, int protection, int flags, int file, off_t offset) {
  BEHIND(mmap);
  return fails(map, ENOMEM) ? MAP_FAILED : real(place, size, protection, flags, file, offset);
}
void* mmap64(void* place, size_t size, int protection, int flags, int file, off_t offset) {
  BEHIND(mmap64);
  return fails(map, ENOMEM) ? MAP_FAILED : real(place, size, protection, flags, file, offset);
}

int pthread_create(pthread_t* made, const pthread_attr_t* attributes, void* (*work)(void*),
                   void* argument) {
  BEHIND(pthread_create);
  return fails(thread, EAGAIN) ? EAGAIN : real(made, attributes, work, argument);
}

}  // extern "C"
