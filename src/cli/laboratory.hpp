// The laboratory's commands. They live in a program of their own, hyperconv-lab, so that what only
// they need (libtorch, ONNX, ...) is not loaded, nor even installed, where a photo is enhanced.
#pragma once

#include <span>
#include <string>

namespace hyperconv::cli {

/// A command as --help lists it.
struct LaboratoryCommand {
  const char* name;
  const char* description;
};

std::span<const LaboratoryCommand> laboratory_commands();

/// What --help lists them under.
inline constexpr const char* laboratory_group = "Laboratory";

/// What --help says of one of them. Throws std::out_of_range where there is none of this name.
std::string laboratory_description(const std::string& name);

/// Whether this is the name of one of them.
bool is_laboratory_command(const std::string& name);

/// Whether hyperconv-lab is where become_laboratory looks for it.
bool is_laboratory_here();

/// Becomes hyperconv-lab with the same arguments, as main got them: the process, its streams and
/// its exit code stay one. It is looked for beside this program, then in ../libexec/hyperconv.
/// Throws Error that says what to install where it is in neither.
[[noreturn]] void become_laboratory(char** arguments);

}  // namespace hyperconv::cli
