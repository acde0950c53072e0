#include "tools/gnuplot.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/file.hpp"
#include "base/testing.hpp"
#include "hyperconv/error.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

bool has_gnuplot() { return std::system("gnuplot --version >/dev/null 2>&1") == 0; }

TEST(Gnuplot, DrawsBothKindsBesideTheTable) {
  if (!has_gnuplot()) GTEST_SKIP() << "gnuplot is not installed";
  const TemporaryFolder folder;
  write_file(folder / "line.csv", std::string("x,y\n1,2\n2,5\n"));
  draw_figure(folder / "line.csv", "plot 'line.csv' using 1:2 with lines title columnhead\n");
  EXPECT_THAT(text_of(folder / "line.svg"), HasSubstr("<svg"));
  EXPECT_THAT(text_of(folder / "line.png"), StartsWith("\x89PNG"));
  EXPECT_THAT(text_of(folder / "line.gnuplot"), HasSubstr("line.csv"));
  EXPECT_EQ(files_in(folder.path()).size(), 4u);
}

TEST(Gnuplot, LeavesNothingWhereItFails) {
  if (!has_gnuplot()) GTEST_SKIP() << "gnuplot is not installed";
  const TemporaryFolder folder;
  write_file(folder / "line.csv", std::string("x,y\n1,2\n"));
  EXPECT_THAT(error_of([&] { draw_figure(folder / "line.csv", "plot nonsense\n"); }),
              HasSubstr("line.csv"));
  EXPECT_EQ(files_in(folder.path()).size(), 1u);
}

TEST(Gnuplot, SaysWhatToInstall) {
  const TemporaryFolder folder;
  write_file(folder / "line.csv", std::string("x,y\n1,2\n"));
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", folder.path().c_str(), 1);
  const std::string message =
      error_of([&] { draw_figure(folder / "line.csv", "plot 'line.csv'\n"); });
  ::setenv("PATH", path.c_str(), 1);
  EXPECT_THAT(message, HasSubstr("gnuplot-nox"));
}

}  // namespace
}  // namespace hyperconv
