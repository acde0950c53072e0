#include "pipeline/shipped.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <vector>

#include "base/fail.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

const char* develop_file(Packing packing) {
  switch (packing) {
    case Packing::bayer:
      return "develop.safetensors";
    case Packing::x_trans:
      return "develop-xtrans.safetensors";
    case Packing::three_colours:
      return "develop-rgb.safetensors";
  }
  return "";
}

const char* file_name(Task task, Packing packing) {
  switch (task) {
    case Task::develop:
      return develop_file(packing);
    case Task::isp:
      return "isp.safetensors";
    case Task::denoise:
      return "denoise.safetensors";
    case Task::noise:
      return "denoise-noise.safetensors";
  }
  return "";
}

/// The folder of the shared library that holds this function, where one does.
std::optional<fs::path> library_folder() {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<const void*>(&library_folder), &info) == 0) return std::nullopt;
  const fs::path file = info.dli_fname;
  if (file.filename().string().find(".so") == std::string::npos) return std::nullopt;
  std::error_code error;
  return fs::weakly_canonical(file, error).parent_path();
}

/// share/hyperconv/models beside a folder, and above it: an installed program has it at ../share, a
/// library of several architectures at ../../share, and the folder of a build has it too.
void add_places(const fs::path& folder, std::vector<fs::path>& places) {
  constexpr int levels = 4;
  fs::path above = folder;
  for (int i = 0; i < levels && !above.empty(); ++i, above = above.parent_path()) {
    const fs::path place = above / "share/hyperconv/models";
    if (std::ranges::find(places, place) == places.end()) places.push_back(place);
  }
}

std::vector<fs::path> places() {
  if (const char* named = std::getenv("HYPERCONV_MODELS")) return {named};
  std::error_code error;
  std::vector<fs::path> found;
  add_places(fs::read_symlink("/proc/self/exe", error).parent_path(), found);
  if (const auto folder = library_folder()) add_places(*folder, found);
  return found;
}

}  // namespace

std::optional<fs::path> find_shipped_model(Task task, Packing packing) {
  for (const fs::path& place : places())
    if (const fs::path path = (place / file_name(task, packing)).lexically_normal();
        fs::exists(path))
      return path;
  return std::nullopt;
}

fs::path shipped_model(Task task, Packing packing) {
  if (const auto found = find_shipped_model(task, packing)) return *found;
  std::vector<std::string> tried;
  for (const fs::path& place : places())
    tried.push_back((place / file_name(task, packing)).lexically_normal().string());
  fail_as(ErrorCode::io,
          "no model for the task '{}' is where it was looked for ({}); name one with --model",
          to_string(task), fmt::join(tried, ", "));
}

fs::path named_model(const fs::path& name) {
  std::error_code error;
  if (name.has_parent_path() || (fs::exists(name, error) && !fs::is_directory(name, error)))
    return name;
  for (const fs::path& place : places()) {
    const fs::path path = (place / (name.string() + ".safetensors")).lexically_normal();
    if (fs::exists(path, error)) return path;
  }
  return name;
}

}  // namespace hyperconv
