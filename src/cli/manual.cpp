// Prints the manual page hyperconv(1), from the commands themselves. Runs in the build and is not
// installed.
#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.hpp"
#include "cli/laboratory.hpp"
#include "cli/program.hpp"

namespace {

using namespace hyperconv::cli;

/// Text as troff takes it: a hyphen that is one, and no line that begins as a request.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '-') out += '\\';
    if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) out += "\\&";
    out += c == '\\' ? 'e' : c;
  }
  return out;
}

void print_entry(const std::string& name, const std::string& description) {
  fmt::print(".TP\n.B {}\n{}\n", escaped(name), escaped(description));
}

void print_command(const CLI::App& command) {
  fmt::print(".SS {}\n{}.\n", escaped(command.get_name()), escaped(command.get_description()));
  for (const CLI::Option* option : command.get_options())
    if (!option->get_group().empty() && option != command.get_help_ptr())
      print_entry(option->nonpositional() ? option->get_name(false, true) : option->get_name(),
                  option->get_description());
}

bool is_of_laboratory(const CLI::App& command) { return command.get_group() == laboratory_group; }

void print_page(const CLI::App& program) {
  fmt::print(".TH HYPERCONV 1 \"\" \"hyperconv {0}\" \"User Commands\"\n.SH NAME\nhyperconv \\- ",
             HYPERCONV_VERSION);
  const std::string& description = program.get_description();
  fmt::print("{}\n", escaped(description.substr(description.find(": ") + 2)));
  fmt::print(
      ".SH SYNOPSIS\n.B hyperconv\n.I COMMAND\n[OPTIONS]\n.br\n.B hyperconv\n.I COMMAND\n.B "
      "\\-\\-help\n.br\n.B hyperconv \\-\\-version\n");
  const auto commands = program.get_subcommands([](const CLI::App*) { return true; });
  fmt::print(".SH COMMANDS\n");
  for (const CLI::App* command : commands)
    if (!is_of_laboratory(*command)) print_command(*command);
  fmt::print(
      ".SH THE LABORATORY'S COMMANDS\nThey need the package hyperconv\\-lab; each has\n.BR "
      "\\-\\-help .\n");
  for (const CLI::App* command : commands)
    if (is_of_laboratory(*command)) print_entry(command->get_name(), command->get_description());
  fmt::print(".SH EXIT STATUS\n");
  print_entry("0", "Done.");
  print_entry("1", "Failed, with one line on standard error.");
  print_entry("2", "Wrong usage.");
  fmt::print(".SH ENVIRONMENT\n");
  print_entry("HYPERCONV_MODELS",
              "The folder of the models that are taken where none is named, instead of "
              "share/hyperconv/models beside or above the program.");
}

}  // namespace

int main() {
  CLI::App program;
  set_up(program);
  add_commands(program, [](const InfoArguments&) {});
  print_page(program);
}
