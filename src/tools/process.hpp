// Other programs and processes: one spoken to in lines (Process), one run to its end
// (run_and_wait), and work in a process of its own (run_in_child).
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <functional>
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
  FileDescriptor socket_;
  std::string unread_;
};

/// The last line of a text file that is not empty; "" where there is none.
std::string last_line(const std::filesystem::path& path);

struct ProgramCall {
  std::filesystem::path program;
  std::vector<std::string> arguments;    ///< without the program's own name
  std::filesystem::path output, errors;  ///< where its stdout and stderr go
  /// Variables of the environment, by name, that it does not get; none where empty.
  std::function<bool(const std::string& name)> withheld;
};

/// Runs it and waits; may be called from several threads. A Ctrl-C does not reach it directly: it
/// gets one SIGTERM when this process is interrupted, and is waited for. It gets SIGTERM too when
/// this process dies. Its exit status; 128 + n where signal n ended it. Throws Error when it cannot
/// be started.
int run_and_wait(const ProgramCall& call);

/// The path by which a child of this process starts the same program, even where its file has been
/// replaced since.
inline constexpr const char* this_program = "/proc/self/exe";

struct ChildOutcome {
  std::string result;              ///< what the work returned
  size_t peak_resident_bytes = 0;  ///< of the child, its share of this process's memory included
};

/// What it takes of memory can be told apart, and is given back: runs `work` in a fork of this
/// process and waits for it. Other threads of this process do not exist in the child: `work` must
/// not lean on a pool of threads that has been used before. The child ends with this process, and a
/// Ctrl-C reaches both. Throws Error with the work's own line when it threw, or that says how the
/// child ended.
ChildOutcome run_in_child(const std::function<std::string()>& work);

}  // namespace hyperconv
