#include "tools/csv.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.hpp"
#include "base/testing.hpp"

namespace hyperconv {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class CsvTest : public testing::Test {
 protected:
  CsvTable read(const std::string& text, LastLine last = LastLine::complete) {
    write_file(path_, text);
    return read_csv(path_, last);
  }

  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "t.csv";
};

TEST_F(CsvTest, HasColumnsAndRowsWithTheirLines) {
  const CsvTable table = read("# by hand\nname,value\n\nfirst,1\n# so\nsecond,\n");
  EXPECT_THAT(table.columns, ElementsAre("name", "value"));
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_THAT(table.rows[0].cells, ElementsAre("first", "1"));
  EXPECT_EQ(table.rows[0].line, 4);
  EXPECT_THAT(table.rows[1].cells, ElementsAre("second", ""));
  EXPECT_EQ(table.rows[1].line, 6);
}

TEST_F(CsvTest, MayBeEmpty) {
  EXPECT_TRUE(read("").columns.empty());
  EXPECT_TRUE(read("# nothing").columns.empty());
  EXPECT_TRUE(read("name,val", LastLine::may_be_cut).columns.empty());
}

TEST_F(CsvTest, ALastLineWithoutEndIsARowOrLeftOut) {
  EXPECT_EQ(read("a,b\n1,2\n3,4").rows.size(), 2u);
  EXPECT_EQ(read("a,b\n1,2\n3,4", LastLine::may_be_cut).rows.size(), 1u);
  EXPECT_EQ(read("a,b\n1,2\n3", LastLine::may_be_cut).rows.size(), 1u);
}

TEST_F(CsvTest, NamesTheLineThatDoesNotFit) {
  EXPECT_THAT(error_of([&] { read("a,b\n# so\n1\n"); }),
              testing::AllOf(HasSubstr("t.csv"), HasSubstr("line 3 has 1 values, must have 2")));
}

TEST(ParsedNumber, IsTheWholeTextOrNothing) {
  EXPECT_EQ(parsed_number<int>("-12"), -12);
  EXPECT_EQ(parsed_number<double>("1e-3"), 1e-3);
  EXPECT_FALSE(parsed_number<int>("12 "));
  EXPECT_FALSE(parsed_number<int>(""));
  EXPECT_FALSE(parsed_number<int>("1.5"));
}

}  // namespace
}  // namespace hyperconv
