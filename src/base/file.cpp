#include "base/file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/fail.hpp"
#include "base/leftovers.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

/// Opens a regular file for reading and tells its size.
int open_regular(const fs::path& path, uint64_t& size) {
  // O_NONBLOCK: opening a pipe would wait for a writer.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    fail_as(ErrorCode::io, "{}: cannot be read ({})", path.string(), std::strerror(errno));
  struct stat status {};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(fd);
    fail("{}: is {}, not a file", path.string(),
         S_ISDIR(status.st_mode) ? "a folder" : "a device or a pipe");
  }
  size = uint64_t(status.st_size);
  return fd;
}

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

}  // namespace

std::vector<uint8_t> read_file(const fs::path& path, uint64_t limit) {
  uint64_t size = 0;
  const FileDescriptor file(open_regular(path, size));
  if (size > limit) fail("{}: has {} bytes; at most {} are read here", path.string(), size, limit);
  std::vector<uint8_t> bytes(size);
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t got = ::read(file.get(), bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0)
      fail_as(ErrorCode::io, "{}: reading stopped after {} of {} bytes", path.string(), done, size);
    done += size_t(got);
  }
  return bytes;
}

MappedFile::MappedFile(const fs::path& path) {
  uint64_t size = 0;
  const FileDescriptor file(open_regular(path, size));
  if (size == 0) return;
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (data == MAP_FAILED)
    fail_as(ErrorCode::io, "{}: cannot be mapped ({})", path.string(), std::strerror(errno));
  data_ = static_cast<const std::byte*>(data);
  size_ = size;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

PendingFile::PendingFile(fs::path path) : path_(std::move(path)) {
  std::error_code ignored;
  if (fs::is_directory(path_, ignored)) fail("{}: is a folder, not a file", path_.string());
  // The rename would replace the device by a file.
  if (fs::exists(path_, ignored) && !fs::is_regular_file(path_, ignored))
    fail("{}: is a device or a pipe, not a file", path_.string());
  const fs::path folder = folder_of(path_);
  if (!fs::is_directory(folder, ignored))
    fail_as(ErrorCode::io, "{}: cannot be written, the folder {} does not exist", path_.string(),
            folder.string());
  remove_leftovers(folder);
  do {
    if (stream_ != nullptr) std::fclose(stream_);
    temporary_ = temporary_beside(folder / path_.filename());
    stream_ = std::fopen(temporary_.c_str(), "wbe");
    if (stream_ == nullptr)
      fail_as(ErrorCode::io, "{}: cannot be written ({})", path_.string(), std::strerror(errno));
  } while (!lock_as_ours(::fileno(stream_)));
}

PendingFile::~PendingFile() {
  if (stream_ != nullptr) std::fclose(stream_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void PendingFile::write(std::span<const uint8_t> bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), stream_) != bytes.size())
    fail_as(ErrorCode::io, "{}: cannot be written ({})", path_.string(), std::strerror(errno));
}

void PendingFile::commit() {
  const bool flushed = std::fflush(stream_) == 0 && ::fsync(::fileno(stream_)) == 0;
  const int flush_error = errno;
  const bool closed = std::fclose(std::exchange(stream_, nullptr)) == 0;
  if (!flushed || !closed)
    fail_as(ErrorCode::io, "{}: cannot be written ({})", path_.string(),
            std::strerror(flushed ? errno : flush_error));
  if (::rename(temporary_.c_str(), path_.c_str()) != 0)
    fail_as(ErrorCode::io, "{}: cannot be written ({})", path_.string(), std::strerror(errno));
  temporary_.clear();
  // The rename itself is durable only once the folder is.
  const FileDescriptor folder(::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() >= 0) ::fsync(folder.get());
}

PendingFolder::PendingFolder(fs::path path) : path_(path.lexically_normal()) {
  if (!path_.has_filename()) path_ = path_.parent_path();  // "a/b/"
  std::error_code error;
  const bool exists = fs::exists(path_, error);
  if (exists && !(fs::is_directory(path_, error) && fs::is_empty(path_, error)))
    fail("{}: is there already; name a folder that is not, or is empty", path_.string());
  const fs::path folder = folder_of(path_);
  if (!fs::is_directory(folder, error))
    fail_as(ErrorCode::io, "{}: cannot be made, the folder {} does not exist", path_.string(),
            folder.string());
  remove_leftovers(folder);
  const fs::path temporary = temporary_beside(folder / path_.filename());
  lock_ = make_locked_folder(temporary);
  temporary_ = temporary;
}

PendingFolder::~PendingFolder() {
  std::error_code ignored;
  if (!temporary_.empty()) fs::remove_all(temporary_, ignored);
}

void PendingFolder::write(const fs::path& relative, std::span<const uint8_t> bytes) {
  const fs::path place = temporary_ / relative;
  std::error_code error;
  fs::create_directories(place.parent_path(), error);
  std::FILE* stream = std::fopen(place.c_str(), "wb");
  const bool written =
      stream != nullptr && std::fwrite(bytes.data(), 1, bytes.size(), stream) == bytes.size();
  int reason = errno;
  const bool closed = stream != nullptr && std::fclose(stream) == 0;
  if (written && !closed) reason = errno;
  if (!written || !closed)
    fail_as(ErrorCode::io, "{}: cannot be written ({})", (path_ / relative).string(),
            std::strerror(reason));
}

void PendingFolder::write(const fs::path& relative, const std::string& text) {
  write(relative, std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
}

void PendingFolder::commit() {
  // One call for what may be thousands of small files; a full disk is certain to be reported only
  // now.
  const FileDescriptor inside(::open(temporary_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (inside.get() < 0 || ::syncfs(inside.get()) != 0)
    fail_as(ErrorCode::io, "{}: cannot be written ({})", path_.string(), std::strerror(errno));
  if (::rename(temporary_.c_str(), path_.c_str()) != 0)
    fail_as(ErrorCode::io, "{}: cannot be written ({})", path_.string(), std::strerror(errno));
  temporary_.clear();
  const FileDescriptor folder(::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() >= 0) ::fsync(folder.get());
}

TemporaryFolder::TemporaryFolder(const fs::path& within) {
  remove_leftovers(within);
  const fs::path path = temporary_beside(within / "work");
  lock_ = make_locked_folder(path);
  path_ = path;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void write_file(const fs::path& path, std::span<const uint8_t> bytes) {
  PendingFile file(path);
  file.write(bytes);
  file.commit();
}

void write_file(const fs::path& path, const std::string& text) {
  write_file(path, std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
}

}  // namespace hyperconv
