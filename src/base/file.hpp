// Files that are read whole or mapped, and that appear whole or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/descriptor.hpp"

namespace hyperconv {

/// The whole file. Throws Error naming it when it is missing, a directory, unreadable, or larger
/// than `limit` bytes.
std::vector<uint8_t> read_file(const std::filesystem::path& path, uint64_t limit = uint64_t(1)
                                                                                   << 32);

/// A file mapped for reading; pages are loaded when they are touched.
class MappedFile {
 public:
  /// Throws Error as read_file does; an empty file maps to an empty span.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

/// A file written under a temporary name beside its final one, which it takes with commit() (flush,
/// fsync, rename). Without commit() it is removed. For libraries that need a FILE*.
///
/// What a process that was killed has left half done in a folder (base/leftovers.hpp) is removed
/// when the next one begins a file there.
class PendingFile {
 public:
  /// Throws Error when the folder is missing or not writable, or `path` is a folder or a device.
  explicit PendingFile(std::filesystem::path path);
  ~PendingFile();
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;

  std::FILE* stream() const { return stream_; }
  /// Throws Error when the disk is full.
  void write(std::span<const uint8_t> bytes);
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  std::FILE* stream_ = nullptr;
};

/// As PendingFile, for a folder of many files: it has a temporary name until commit(), and without
/// that is removed.
class PendingFolder {
 public:
  /// Throws Error when `path` is there already and is not an empty folder, or cannot be made.
  explicit PendingFolder(std::filesystem::path path);
  ~PendingFolder();
  PendingFolder(const PendingFolder&) = delete;
  PendingFolder& operator=(const PendingFolder&) = delete;

  /// A file of it; folders on the way are made. May be called from several threads.
  void write(const std::filesystem::path& relative, std::span<const uint8_t> bytes);
  void write(const std::filesystem::path& relative, const std::string& text);
  /// Syncs everything to disk and renames the folder.
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  FileDescriptor lock_;
};

/// A temporary folder, removed with all its files when the object is destroyed.
class TemporaryFolder {
 public:
  /// Throws Error when none can be made in `within`.
  explicit TemporaryFolder(
      const std::filesystem::path& within = std::filesystem::temp_directory_path());
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
  FileDescriptor lock_;
};

void write_file(const std::filesystem::path& path, std::span<const uint8_t> bytes);
void write_file(const std::filesystem::path& path, const std::string& text);

}  // namespace hyperconv
