#include "cli/program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <new>
#include <stdexcept>
#include <system_error>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "cli/at_once.hpp"

namespace hyperconv::cli {
namespace {

namespace fs = std::filesystem;

/// What is said of an error, which ends the program with 1.
template <class Exception>
std::string line_said(const Exception& error) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(guarded([&]() -> int { throw error; }), 1);
  return testing::internal::GetCapturedStderr();
}

TEST(Guarded, EveryErrorIsOneLine) {
  EXPECT_EQ(line_said(Error("a.dng: is empty")), "hyperconv: a.dng: is empty\n");
  EXPECT_EQ(line_said(std::bad_alloc()), "hyperconv: out of memory\n");
  EXPECT_EQ(line_said(std::runtime_error("first\nsecond")), "hyperconv: first\n");
  EXPECT_EQ(line_said(1), "hyperconv: a library failed without saying why\n");
  EXPECT_THAT(
      line_said(std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again))),
      testing::StartsWith("hyperconv: no thread can be started: "));
}

TEST(Guarded, AFileThatTheStandardLibraryFailsOnIsNamedFirst) {
  const TemporaryFolder folder;
  const fs::path loop = folder / "loop";
  fs::create_symlink("loop", loop);
  testing::internal::CaptureStderr();
  EXPECT_EQ(guarded([&] { return fs::is_directory(loop) ? 0 : 2; }), 1);
  const std::string said = "hyperconv: " + loop.string() + ": Too many levels of symbolic links\n";
  EXPECT_EQ(testing::internal::GetCapturedStderr(), said);
}

TEST(LineAbout, NamesThePhotoOnceAndTheOtherFile) {
  const Job job{.input = "a.dng"};
  EXPECT_EQ(line_about(job, Error("a.dng: is empty")), "a.dng: is empty");
  EXPECT_EQ(line_about(job, std::bad_alloc()), "a.dng: there is not memory enough");
  const fs::filesystem_error error("status", "b.xmp",
                                   std::make_error_code(std::errc::permission_denied));
  EXPECT_EQ(line_about(job, error), "a.dng: b.xmp: Permission denied");
  const fs::filesystem_error own("status", "a.dng", error.code());
  EXPECT_EQ(line_about(job, own), "a.dng: Permission denied");
}

}  // namespace
}  // namespace hyperconv::cli
