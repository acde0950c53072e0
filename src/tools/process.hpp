// Another program, spoken to in lines: a line to its standard input, a line back from its standard
// output.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/descriptor.hpp"

namespace hyperconv {

/// What to start, and how.
struct ProcessStart {
  std::string name;                    ///< in messages
  std::vector<std::string> arguments;  ///< the program's path first; PATH is not searched
  std::vector<std::string> environment =
      {};                          ///< "NAME=value", beside and before this process's own
  std::filesystem::path messages;  ///< the file that its standard error goes to
};

/// A running program in a process group of its own. It ends with its owner, with this process
/// however that ends, and takes what it started in its group along. Where the machine runs out of
/// memory, it is what the system ends first.
class Process {
 public:
  /// Throws Error when the program cannot be started.
  explicit Process(const ProcessStart& start);
  ~Process();
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  const std::string& name() const { return name_; }
  pid_t id() const { return id_; }

  /// Sends a line (without its end) and waits for the answer, without its end. Throws Error that
  /// says how the program ended, with its last message, when there will be no answer, and
  /// "interrupted" when the user interrupts.
  std::string ask(const std::string& line);
  /// The next line that it says by itself; throws as ask does.
  std::string read_line();

  /// Stops all of its group's threads where they are, until resume(): it takes no core meanwhile.
  void pause();
  void resume();

 private:
  std::string ending();
  void end();

  std::string name_;
  std::filesystem::path messages_;
  pid_t id_ = -1;
  Descriptor socket_;
  std::string unread_;
};

/// The last line of a text file that is not empty; "" where there is none.
std::string last_line(const std::filesystem::path& path);

}  // namespace hyperconv
