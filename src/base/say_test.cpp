#include "base/say.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <new>
#include <string>

namespace hyperconv {
namespace {

/// What cannot be formatted, as where memory ends.
struct TooMuch {};

/// Has say() write there while it lives.
class Heard {
 public:
  explicit Heard(std::FILE* stream) : before_(people()) { people() = stream; }
  Heard(const Heard&) = delete;
  Heard& operator=(const Heard&) = delete;
  ~Heard() { people() = before_; }

 private:
  std::FILE* before_;
};

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

std::string text_of(std::FILE* file) {
  std::rewind(file);
  std::string text(1000, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  return text;
}

}  // namespace
}  // namespace hyperconv

template <>
struct fmt::formatter<hyperconv::TooMuch> : fmt::formatter<int> {
  template <class Context>
  auto format(const hyperconv::TooMuch&, Context& context) const -> decltype(context.out()) {
    throw std::bad_alloc();
  }
};

namespace hyperconv {
namespace {

TEST(Say, WritesTheLine) {
  const File file(std::tmpfile(), &std::fclose);
  ASSERT_NE(file, nullptr);
  const Heard heard(file.get());
  say("{}: {} of {}\n", "photo.dng", 1, 2);
  EXPECT_EQ(text_of(file.get()), "photo.dng: 1 of 2\n");
}

TEST(Say, GoesOnWhereTheStreamIsFull) {
  const File full(std::fopen("/dev/full", "w"), &std::fclose);
  ASSERT_NE(full, nullptr);
  std::setvbuf(full.get(), nullptr, _IONBF, 0);
  const Heard heard(full.get());
  say("{}\n", std::string(10000, 'x'));
  EXPECT_TRUE(std::ferror(full.get()));
}

TEST(Say, WithoutMemorySaysTheLineUnfilled) {
  const File file(std::tmpfile(), &std::fclose);
  ASSERT_NE(file, nullptr);
  const Heard heard(file.get());
  say("{}: there is not memory enough\n", TooMuch());
  EXPECT_EQ(text_of(file.get()), "{}: there is not memory enough\n");
}

}  // namespace
}  // namespace hyperconv
