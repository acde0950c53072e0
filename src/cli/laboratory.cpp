#include "cli/laboratory.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string_view>

#include "base/fail.hpp"
#include "base/openmp_spinning.hpp"

namespace hyperconv::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::array commands{
    LaboratoryCommand{"train",
                      "Train a network by a recipe (TOML); the same command resumes a stopped run"},
    LaboratoryCommand{
        "evaluate",
        "A model's PSNR and SSIM: of the task develop on simulated shots of photos at four noise "
        "levels, beside LibRaw's demosaicers; of isp and denoise on a data set of pairs; of "
        "denoise also on photos with noise"},
    LaboratoryCommand{"export", "A network as ONNX, for other runtimes"},
    LaboratoryCommand{"profile", "What a network costs, without running it"},
    LaboratoryCommand{"bench", "How fast our engine and others run a network on this machine"},
    LaboratoryCommand{"study", "The paper's experiments, and their figures"},
    LaboratoryCommand{"simulate",
                      "A photo as a simulated camera's RAW file, or many as a data set"},
};

const LaboratoryCommand* find(const std::string& name) {
  const auto found =
      std::ranges::find_if(commands, [&](const auto& command) { return name == command.name; });
  return found == commands.end() ? nullptr : &*found;
}

/// Where hyperconv-lab may be: as built, as installed.
std::array<fs::path, 2> places() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error).parent_path();
  return {program / "hyperconv-lab", program.parent_path() / "libexec/hyperconv/hyperconv-lab"};
}

}  // namespace

std::span<const LaboratoryCommand> laboratory_commands() { return commands; }

std::string laboratory_description(const std::string& name) {
  const LaboratoryCommand* command = find(name);
  if (command == nullptr) throw std::out_of_range(name);
  return command->description;
}

bool is_laboratory_command(const std::string& name) { return find(name) != nullptr; }

bool is_laboratory_here() {
  return std::ranges::any_of(
      places(), [](const fs::path& place) { return ::access(place.c_str(), X_OK) == 0; });
}

void become_laboratory(char** arguments) {
  // Studies see to it where they start trainings. Benchmarks do not: their rivals wait as they do
  // by default.
  if (arguments[1] != nullptr && arguments[1] == std::string_view("train"))
    shorten_openmp_spinning();
  for (const fs::path& place : places()) {
    ::execv(place.c_str(), arguments);
    if (errno != ENOENT) fail("{}: cannot be run ({})", place.string(), std::strerror(errno));
  }
  fail(
      "this is a command of the laboratory, which is not installed: install the package "
      "hyperconv-lab, or build with -DHYPERCONV_LABORATORY=ON");
}

}  // namespace hyperconv::cli
