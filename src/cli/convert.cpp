// hyperconv convert: a model's weights in another precision.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/fail.hpp"
#include "base/json.hpp"
#include "cli/commands.hpp"
#include "cli/precision.hpp"
#include "network/model.hpp"

namespace hyperconv::cli {
namespace {

namespace fs = std::filesystem;

struct ConvertArguments {
  std::string model, output;
  Precision precision = Precision::f16;
  bool json = false;
};

void convert_command(const ConvertArguments& a) {
  std::error_code ignored;
  if (fs::equivalent(a.model, a.output, ignored))
    fail("{}: would be overwritten; name another output", a.output);
  const Model model = Model::load(a.model);
  save_model(a.output, model, a.precision);
  const auto before = fs::file_size(a.model), after = fs::file_size(a.output);
  if (a.json)
    fmt::print("{}\n", to_line(nlohmann::ordered_json{{"model", a.model},
                                                      {"output", a.output},
                                                      {"precision", to_string(a.precision)},
                                                      {"bytes_before", before},
                                                      {"bytes", after}}));
  else
    fmt::print("{} -> {}  {}  {:.2f} MB, was {:.2f} MB\n", a.model, a.output,
               to_string(a.precision), double(after) / 1e6, double(before) / 1e6);
}

}  // namespace

void add_convert(CLI::App& program) {
  auto* command = program.add_subcommand(
      "convert", "Write a model's weights in another precision: smaller files, filters sooner");
  auto a = std::make_shared<ConvertArguments>();
  command->add_option("MODEL", a->model, "Model file")->required();
  command->add_option("-o,--output", a->output, "Model file to write")->required();
  command
      ->add_option("--precision", a->precision,
                   "f32, f16 (default), bf16, or i8: the hypernetworks' last layers in whole "
                   "numbers with a factor a row, all else in f16")
      ->transform(precisions({Precision::f32, Precision::f16, Precision::bf16, Precision::i8}))
      ->option_text("f32|f16|bf16|i8");
  command->add_flag("--json", a->json, "One JSON object on stdout");
  command->callback([a] { convert_command(*a); });
}

}  // namespace hyperconv::cli
