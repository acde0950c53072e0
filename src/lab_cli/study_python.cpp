#include "lab_cli/study_python.hpp"

#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "lab_cli/picture_rival.hpp"

namespace hyperconv::cli {

namespace fs = std::filesystem;

PythonHome python_home(const std::string& environment, const std::vector<std::string>& packages,
                       const fs::path& folder, int threads) {
  PythonHome home{.python = fs::absolute(environment) / "bin" / "python",
                  .script = folder / "picture_rival.py",
                  .pmrid = {},
                  .folder = folder,
                  .threads = threads};
  const std::string remedy = fmt::format(
      "make it with bench/rivals/setup --pictures {}, or say --rivals none", environment);
  if (!fs::exists(home.python)) fail("{}: no Python environment is there; {}", environment, remedy);
  write_file(home.script, std::string(picture_rival_script));
  ProcessStart start{.name = home.python.string(),
                     .arguments = {home.python.string(), home.script.string(), "--packages"},
                     .messages = folder / "messages-of-python"};
  start.arguments.insert(start.arguments.end(), packages.begin(), packages.end());
  Process process(start);
  const auto missing =
      nlohmann::json::parse(process.read_line()).at("missing").get<std::vector<std::string>>();
  if (!missing.empty())
    fail("{}: Python has no {} there; {}", environment, fmt::join(missing, ", "), remedy);
  return home;
}

}  // namespace hyperconv::cli
