// hyperconv info: what this build and this machine are, or what a model, a camera file or a
// photo holds.
#include "cli/info.hpp"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/interrupt.hpp"
#include "base/json.hpp"
#include "base/overloaded.hpp"
#include "base/progress.hpp"
#include "base/threads.hpp"
#include "cli/laboratory.hpp"
#include "cli/size.hpp"
#include "engine/kernel_cases.hpp"
#include "hyperconv/error.hpp"
#include "image/codec.hpp"
#include "image/icc.hpp"
#include "network/cost.hpp"
#include "network/model.hpp"
#include "pipeline/develop.hpp"
#include "pipeline/input.hpp"
#include "raw/dng_opcodes.hpp"
#include "raw/mosaic.hpp"
#include "raw/mosaic_noise.hpp"

namespace hyperconv::cli {
namespace {

using Json = nlohmann::ordered_json;

Json facts_of_build() {
  return {{"version", HYPERCONV_VERSION},
          {"laboratory", is_laboratory_here()},
          {"instructions", kernels().name},
          {"cores", available_cores()}};
}

/// Every kernel with what it does on each instruction set, on one thread.
Json facts_of_kernels() {
  // A row of the paper's 12 MP photo, packed, in the layers that are most of the work.
  constexpr int64_t channels = 16, width = 1984;
  constexpr double seconds_each = 0.02;
  const auto cases = kernel_cases(channels, width);
  Json list = Json::array();
  Progress progress("timing kernels", int64_t(cases.size()));
  for (const KernelCase& kernel : cases) {
    Json entry = {{"kernel", kernel.kernel},
                  {"form", kernel.form},
                  {"unit", kernel.flops > 0 ? "GFLOP/s" : "GB/s"}};
    for (const std::string& target : kernel_targets()) {
      throw_if_interrupted();
      const double seconds = seconds_of_call(kernel.prepare(kernels(target)), seconds_each);
      entry[target] = (kernel.flops > 0 ? kernel.flops : kernel.bytes) / seconds * 1e-9;
    }
    list.push_back(entry);
    progress.show(int64_t(list.size()));
  }
  return {{"instructions", kernels().name}, {"targets", kernel_targets()}, {"kernels", list}};
}

void print_kernels(const Json& facts) {
  const auto targets = facts["targets"].get<std::vector<std::string>>();
  fmt::print("{:<18} {:<32} {:<7}", "kernel", "form", "");
  for (const std::string& target : targets) fmt::print(" {:>9}", target);
  for (const Json& entry : facts["kernels"]) {
    fmt::print("\n{:<18} {:<32} {:<7}", entry["kernel"].get<std::string>(),
               entry["form"].get<std::string>(), entry["unit"].get<std::string>());
    for (const std::string& target : targets) fmt::print(" {:>9.1f}", entry[target].get<double>());
  }
  fmt::print("\non one thread; {} runs, unless HYPERCONV_TARGET names another\n",
             facts["instructions"].get<std::string>());
}

Json facts_of_model(const std::string& path) {
  const Model model = Model::load(path);
  int64_t count = 0;
  for (const Parameter& p : parameters(model.graph())) count += p.count();
  const ModelInfo& info = model.info();
  Json facts = {{"model", info.name}, {"task", to_string(info.task)}};
  if (info.task == Task::develop)
    facts.update(Json{{"packing", to_string(info.packing)}, {"domain", to_string(info.domain)}});
  facts.update(Json{{"parameters", count},
                    {"nodes", model.graph().nodes().size()},
                    {"receptive_field", receptive_field(model.graph())},
                    {"size_multiple", size_multiple(model.graph())},
                    {"side_ranges", Json::parse(to_json(info.side_ranges))},
                    {"summary", info.summary},
                    {"data_licence", info.data_licence}});
  return facts;
}

Json to_json(const KnownNoise& noise) {
  Json json = {{"source", to_string(noise.source)},
               {"shot", noise.profile.shot},
               {"read", noise.profile.read}};
  if (const auto& e = noise.estimate) {
    json.update(Json{{"row", e->row},
                     {"quantisation", e->quantisation},
                     {"samples", e->samples},
                     {"brightness", {e->darkest, e->brightest}},
                     {"doubt", e->doubt}});
  }
  return json;
}

/// Of what only a mosaic has.
void add_sensor_facts(Json& facts, const Mosaic& m) {
  facts["sensor"] = to_string(packing_of(m));
  facts["cfa"] = to_string(m.cfa);
  facts["black"] = m.black;
  facts["white"] = m.white;
  facts["saturated_at"] = m.saturated_at ? Json(*m.saturated_at) : Json(nullptr);
  facts["noise"] = to_json(noise_of(m));
}

void add_common_facts(Json& facts, const Mosaic& m) {
  facts.update(
      Json{{"make", m.shot.make},
           {"model", m.shot.model},
           {"lens", m.shot.lens},
           {"date_time", m.shot.date_time},
           {"width", m.width},
           {"height", m.height},
           {"pixel_aspect", m.pixel_aspect},
           {"white_balance", m.white_balance},
           {"baseline_exposure", m.baseline_exposure},
           {"opcodes_applied", m.opcodes},
           {"opcodes_for_later", m.later_opcodes.empty() ? "" : opcode_names(m.later_opcodes)},
           {"orientation", m.orientation},
           {"iso", m.shot.iso},
           {"exposure_seconds", m.shot.exposure_seconds},
           {"f_number", m.shot.f_number},
           {"focal_length_mm", m.shot.focal_length_mm}});
  facts["xyz_to_camera"] = m.xyz_to_camera ? Json(*m.xyz_to_camera) : Json(nullptr);
}

Json to_json(const std::optional<Resolution>& resolution) {
  if (!resolution) return nullptr;
  constexpr std::array<const char*, 3> units = {"none", "inch", "centimetre"};
  return {{"x", resolution->x}, {"y", resolution->y}, {"unit", units[size_t(resolution->unit)]}};
}

Json facts_of_photo(const std::string& path, InputFile& file) {
  const Image photo = file.photo();
  const ImageMetadata& metadata = photo.metadata;
  std::vector<std::string> texts;
  for (const auto& [keyword, text] : metadata.texts) texts.push_back(keyword);
  return {{"file", path},
          {"width", photo.width},
          {"height", photo.height},
          {"channels", photo.channels},
          {"bits", bits_of(photo)},
          {"colours", metadata.icc.empty() ? "sRGB, as no profile says otherwise"
                                           : profile_name(metadata.icc)},
          {"orientation", metadata.orientation},
          {"resolution", to_json(metadata.resolution)},
          {"exif_bytes", metadata.exif.size()},
          {"xmp_bytes", metadata.xmp.size()},
          {"iptc_bytes", metadata.iptc.size()},
          {"texts", texts},
          {"warnings", metadata.notes}};
}

Json facts_of_camera_file(const std::string& path, InputFile& file) {
  const RawFrame frame = file.raw({});
  Json facts = {{"file", path}};
  std::visit(Overloaded{[&](const Mosaic& m) {
                          add_common_facts(facts, m);
                          add_sensor_facts(facts, m);
                          facts["warnings"] = m.warnings;
                        },
                        [&](const LinearFrame& linear) {
                          add_common_facts(facts, linear.facts);
                          facts["sensor"] = linear.light.shape().c == 1 ? "monochrome" : "linear";
                          facts["noise"] = to_json(noise_of(linear));
                          facts["warnings"] = linear.facts.warnings;
                        }},
             frame);
  return facts;
}

Json facts(const InfoArguments& a) {
  if (a.kernels) return facts_of_kernels();
  if (a.file.empty()) return facts_of_build();
  if (lower_ending(a.file) == ".safetensors") return facts_of_model(a.file);
  InputFile file(a.file);
  return file.kind() == FileKind::photo ? facts_of_photo(a.file, file)
                                        : facts_of_camera_file(a.file, file);
}

void print_text(const Json& facts) {
  for (const auto& [key, value] : facts.items())
    fmt::print("{:<17} {}\n", key, value.is_string() ? value.get<std::string>() : to_line(value));
}

bool is_for_laboratory(const InfoArguments& a) {
  std::error_code ignored;
  return !a.filters.photos.empty() || a.check || std::filesystem::is_directory(a.file, ignored);
}

}  // namespace

void add_info(CLI::App& program, const std::function<void(const InfoArguments&)>& of_laboratory) {
  auto* command = program.add_subcommand(
      "info",
      "What this build and this machine are, or what a model, a camera file, a photo or a data set "
      "holds");
  auto a = std::make_shared<InfoArguments>();
  auto* file = command->add_option(
      "FILE", a->file, "Model (.safetensors), camera file, photo, or folder of a data set");
  command
      ->add_flag("--kernels", a->kernels,
                 "The engine's inner loops, and how fast each is on the instruction sets of "
                 "this machine")
      ->excludes(file);
  command->add_flag("--check", a->check, "Decode every pair of a data set")->needs(file);
  auto* photos = command->add_option(
      "--filters", a->filters.photos,
      "Photos, or folders of them: draw the filters that a model predicts for the first two side "
      "by side, and where all stand by its hidden activations");
  auto* output = command->add_option("-o,--output", a->filters.output,
                                     "With --filters: the figure, FILE.png (and .svg, .csv)");
  photos->needs(file)->needs(output);
  output->needs(photos);
  command
      ->add_option("--layer", a->filters.layer,
                   "With --filters: the HyperConvolution (default: the first)")
      ->needs(photos);
  command->add_flag("--json", a->json, "One JSON object on stdout");
  command->callback([a, of_laboratory] {
    if (is_for_laboratory(*a)) return of_laboratory(*a);
    const Json found = facts(*a);
    if (a->json)
      fmt::print("{}\n", to_line(found));
    else if (a->kernels)
      print_kernels(found);
    else
      print_text(found);
  });
}

}  // namespace hyperconv::cli
