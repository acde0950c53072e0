#include "training/run_folder.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/testing.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;

TEST(RunFolder, IsMadeAndHeldOnce) {
  const TemporaryFolder folder;
  const auto run = folder / "runs/tiny";
  {
    const RunFolder first(run);
    EXPECT_THAT(error_of([&] { const RunFolder second(run); }),
                testing::AllOf(testing::StartsWith(run.string() + ": another training"),
                               HasSubstr(fmt::format("(process {} on ", ::getpid()))));
  }
  const RunFolder third(run);
}

TEST(RunFolder, AHolderThatHasNotSaidItsNameHoldsItAllTheSame) {
  const TemporaryFolder folder;
  const RunFolder first(folder.path());
  std::filesystem::resize_file(folder / ".lock", 0);
  EXPECT_THAT(error_of([&] { const RunFolder second(folder.path()); }),
              HasSubstr("another training works in"));
}

TEST(RunFolder, AFileInItsPlaceIsNamed) {
  const TemporaryFolder folder;
  write_file(folder / "run", std::string("x"));
  EXPECT_THAT(error_of([&] { const RunFolder run(folder / "run"); }), HasSubstr("/run: cannot be"));
  EXPECT_THAT(error_of([&] { const RunFolder run(folder / "run/tiny"); }),
              HasSubstr("/run/tiny: cannot be"));
}

}  // namespace
}  // namespace hyperconv
