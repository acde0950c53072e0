#include "cli/failures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "base/say.hpp"

namespace hyperconv::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view headline =
    "# photos that hyperconv enhance failed on: file, tab, reason\n";

/// Nothing there, or a list of an earlier batch.
bool may_be_replaced(const fs::path& file) {
  std::error_code ignored;
  if (!fs::exists(fs::symlink_status(file, ignored))) return true;
  if (!fs::is_regular_file(file, ignored)) return false;
  const std::vector<uint8_t> bytes = read_file(file);
  return bytes.empty() ||
         std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size())
             .starts_with(headline);
}

/// A tab or the end of a line would make two of it.
std::string in_one_field(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return c == '\t' || c == '\n' || c == '\r'; }, '?');
  return text;
}

}  // namespace

FailureList::FailureList(fs::path file) : file_(std::move(file)) {
  if (file_.empty()) return;
  if (!may_be_replaced(file_))
    fail("{}: is there already and no list of failures; name another file for --failures",
         file_.string());
  write();
}

void FailureList::add(Failure failure) {
  say("hyperconv: {}\n", failure.line);
  failures_.push_back(std::move(failure));
  if (!file_.empty()) write();
}

void FailureList::say_all() const {
  for (const Failure& failure : failures_) say("failed: {}\n", failure.line);
}

void FailureList::write() const {
  std::string text(headline);
  for (const Failure& failure : failures_)
    text += in_one_field(failure.input.string()) + "\t" + in_one_field(failure.line) + "\n";
  write_file(file_, text);
}

}  // namespace hyperconv::cli
