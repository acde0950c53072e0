#include "pipeline/shipped.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>

#include "base/file.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

/// Works in a folder of its own, with shipped models in another.
class NamedModel : public testing::Test {
 protected:
  NamedModel() : before_(fs::current_path()) {
    fs::current_path(here_.path());
    if (const char* value = std::getenv("HYPERCONV_MODELS")) models_before_ = value;
    ::setenv("HYPERCONV_MODELS", shipped_.path().c_str(), 1);
    write_file(shipped_ / "tall.safetensors", std::string("a model"));
  }
  ~NamedModel() override {
    fs::current_path(before_);
    if (models_before_)
      ::setenv("HYPERCONV_MODELS", models_before_->c_str(), 1);
    else
      ::unsetenv("HYPERCONV_MODELS");
  }

  TemporaryFolder here_, shipped_;
  fs::path before_;
  std::optional<std::string> models_before_;
};

TEST_F(NamedModel, IsTheShippedOneOfThatName) {
  EXPECT_EQ(named_model("tall"), shipped_ / "tall.safetensors");
}

// A training's folder is often called as its network.
TEST_F(NamedModel, IsNoFolderOfThatName) {
  fs::create_directory("tall");
  EXPECT_EQ(named_model("tall"), shipped_ / "tall.safetensors");
}

TEST_F(NamedModel, IsTheFileOfThatNameFirst) {
  write_file("tall", std::string("another"));
  EXPECT_EQ(named_model("tall"), "tall");
}

TEST_F(NamedModel, IsAsItWasNamedWhereThereIsNeither) {
  EXPECT_EQ(named_model("small"), "small");
  EXPECT_EQ(named_model("no/tall"), "no/tall");
}

}  // namespace
}  // namespace hyperconv
