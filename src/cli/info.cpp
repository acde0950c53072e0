// hyperconv info: what this build and this machine are, or what a model or a camera file holds.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/threads.hpp"
#include "cli/commands.hpp"
#include "cli/size.hpp"
#include "engine/kernels/kernels.hpp"
#include "hyperconv/cost.hpp"
#include "hyperconv/model.hpp"
#include "hyperconv/mosaic.hpp"

namespace hyperconv::cli {
namespace {

using Json = nlohmann::ordered_json;

Json facts_of_build() {
  return {{"version", HYPERCONV_VERSION},
          {"training", HYPERCONV_HAS_TRAINING != 0},
          {"instructions", kernels().name},
          {"cores", available_cores()}};
}

Json facts_of_model(const std::string& path) {
  const Model model = Model::load(path);
  int64_t count = 0;
  for (const Parameter& p : parameters(model.graph())) count += p.count();
  return {{"model", model.info().name},
          {"task", to_string(model.info().task)},
          {"parameters", count},
          {"nodes", model.graph().nodes().size()},
          {"receptive_field", receptive_field(model.graph())},
          {"size_multiple", size_multiple(model.graph())},
          {"summary", model.info().summary},
          {"data_licence", model.info().data_licence}};
}

Json facts_of_camera_file(const std::string& path) {
  const Mosaic m = read_camera_file(path);
  Json facts = {{"file", path},
                {"make", m.shot.make},
                {"model", m.shot.model},
                {"width", m.width},
                {"height", m.height},
                {"cfa", to_string(m.cfa)},
                {"black", m.black},
                {"white", m.white},
                {"white_balance", m.white_balance},
                {"orientation", m.orientation},
                {"iso", m.shot.iso},
                {"exposure_seconds", m.shot.exposure_seconds},
                {"f_number", m.shot.f_number},
                {"focal_length_mm", m.shot.focal_length_mm}};
  facts["xyz_to_camera"] = m.xyz_to_camera ? Json(*m.xyz_to_camera) : Json(nullptr);
  facts["noise"] = m.noise ? Json{{"shot", m.noise->shot}, {"read", m.noise->read}} : Json(nullptr);
  facts["warnings"] = m.warnings;
  return facts;
}

Json facts(const std::string& file) {
  if (file.empty()) return facts_of_build();
  return lower_ending(file) == ".safetensors" ? facts_of_model(file) : facts_of_camera_file(file);
}

void print_text(const Json& facts) {
  for (const auto& [key, value] : facts.items())
    fmt::print("{:<17} {}\n", key, value.is_string() ? value.get<std::string>() : value.dump());
}

}  // namespace

void add_info(CLI::App& program) {
  auto* command = program.add_subcommand(
      "info", "What this build and this machine are, or what a model or a camera file holds");
  auto file = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  command->add_option("FILE", *file, "Model (.safetensors) or camera file");
  command->add_flag("--json", *json, "One JSON object on stdout");
  command->callback([file, json] {
    const Json found = facts(*file);
    if (*json)
      fmt::print("{}\n", found.dump());
    else
      print_text(found);
  });
}

}  // namespace hyperconv::cli
