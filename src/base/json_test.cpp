#include "base/json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hyperconv {
namespace {

using Json = nlohmann::ordered_json;
using testing::HasSubstr;

std::string nested(size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(StrangersJson, IsReadToADepthThatNoneOfOursHas) {
  EXPECT_EQ(parse_json(R"({"a": [1, {"b": 2}]})")["a"][1]["b"], 2);
  EXPECT_TRUE(parse_json(nested(deepest_json)).is_array());
  for (const size_t depth : {size_t(deepest_json) + 1, size_t(1'000'000)}) {
    EXPECT_THROW(parse_json(nested(depth)), Error) << depth;
    EXPECT_THROW(parse_json(std::string(depth, '[')), Error) << depth;
  }
}

TEST(StrangersJson, ThatIsNoneIsDiscarded) {
  for (const char* text : {"", "{", "[1,", "{\"a\": \"\xff\"}", "nul"})
    EXPECT_TRUE(parse_json(text).is_discarded()) << text;
}

TEST(JsonLine, HasAReplacementForWhatIsNotUtf8) {
  EXPECT_EQ(to_line(Json{{"name", "a\xff.jpg"}}), "{\"name\":\"a\xef\xbf\xbd.jpg\"}");
}

TEST(JsonLine, IsCutForMessages) {
  EXPECT_EQ(excerpt(Json(12)), "12");
  EXPECT_EQ(excerpt(Json(std::string(1000, 'a'))).size(), 63u);
}

}  // namespace
}  // namespace hyperconv
