#include "pipeline/shipped.hpp"

#include <cstdlib>
#include <vector>

#include "base/fail.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

const char* file_name(Task task) {
  switch (task) {
    case Task::develop:
      return "develop-16.safetensors";
    case Task::isp:
      return "isp.safetensors";
    case Task::denoise:
      return "denoise.safetensors";
    case Task::noise:
      return "denoise-noise.safetensors";
  }
  return "";
}

std::vector<fs::path> places() {
  if (const char* named = std::getenv("HYPERCONV_MODELS")) return {named};
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error).parent_path();
  return {program / "../share/hyperconv/models", program / "../../models"};
}

}  // namespace

fs::path shipped_model(Task task) {
  std::vector<std::string> tried;
  for (const fs::path& place : places()) {
    const fs::path path = (place / file_name(task)).lexically_normal();
    if (fs::exists(path)) return path;
    tried.push_back(path.string());
  }
  fail("no model for the task '{}' is where it was looked for ({}); name one with --model",
       to_string(task), fmt::join(tried, ", "));
}

}  // namespace hyperconv
