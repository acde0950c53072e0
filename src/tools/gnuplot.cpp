#include "tools/gnuplot.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/fail.hpp"
#include "base/file.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

std::string script_of(const std::string& name, const std::string& commands) {
  return fmt::format(
      "# gnuplot {0}.gnuplot   draws {0}.svg and {0}.png from {0}.csv\n"
      "set datafile separator ','\n{1}"
      "set terminal svg size 900,600 dynamic background 'white'\n"
      "set output '{0}.svg'\nreplot\n"
      "set terminal pngcairo size 1800,1200 fontscale 1.9 linewidth 2\n"
      "set output '{0}.png'\nreplot\n",
      name, "set terminal unknown\n" + commands);
}

std::string first_line(const fs::path& path) {
  const auto bytes = read_file(path);
  std::string text(bytes.begin(), bytes.end());
  text.erase(0, text.find_first_not_of(" \n"));
  return text.substr(0, text.find('\n'));
}

/// Exit status of gnuplot run in a folder; its messages go to a file there.
int run_gnuplot(const fs::path& folder, const std::string& script, const fs::path& messages) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, messages.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ::posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  std::string program = "gnuplot", file = script;
  std::array<char*, 3> arguments{program.data(), file.data(), nullptr};
  pid_t child = 0;
  const int error =
      ::posix_spawnp(&child, program.c_str(), &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error == ENOENT)
    fail("the numbers are written, but no figure: gnuplot is not installed (package gnuplot-nox)");
  if (error != 0) fail("gnuplot cannot be run ({})", std::strerror(error));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace

void draw_figure(const fs::path& csv, const std::string& commands) try {
  const std::string name = csv.stem().string();
  const fs::path folder = csv.has_parent_path() ? csv.parent_path() : fs::path(".");
  const TemporaryFolder workshop(fs::absolute(folder));
  const fs::path script = name + ".gnuplot";
  write_file(workshop.path() / script, script_of(name, commands));
  fs::copy_file(csv, workshop.path() / csv.filename());
  const fs::path messages = workshop.path() / "messages";
  if (run_gnuplot(workshop.path(), script.string(), messages) != 0)
    fail("{}: gnuplot cannot draw it: {}", csv.string(), first_line(messages));
  for (const char* ending : {".gnuplot", ".svg", ".png"})
    fs::rename(workshop.path() / (name + ending), folder / (name + ending));
} catch (const fs::filesystem_error& error) {
  fail_as(ErrorCode::io, "{}: no figure of it can be written ({})", csv.string(),
          error.code().message());
}

}  // namespace hyperconv
