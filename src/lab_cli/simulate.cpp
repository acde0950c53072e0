// hyperconv simulate: a photo, or our painted scene, as a camera's RAW file; or many photos as a
// data set.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/fail.hpp"
#include "base/json.hpp"
#include "cli/size.hpp"
#include "image/codec.hpp"
#include "lab_cli/commands.hpp"
#include "lab_cli/simulate_set.hpp"
#include "pipeline/develop.hpp"
#include "raw/colour.hpp"
#include "raw/linear_frame.hpp"
#include "simulation/demosaic.hpp"
#include "simulation/linear_shot.hpp"
#include "simulation/scene.hpp"
#include "simulation/simulator.hpp"

namespace hyperconv::cli {
namespace {

struct Options {
  std::vector<std::string> photos;  ///< one, but for a data set
  std::string scene, output, clean, plain;
  std::string cfa = "rggb";
  double iso = 1600;
  SensorKind sensor = SensorKind::aps_c;
  std::optional<double> shot, read;
  int bits = 12;
  int shrink = 1;
  double exposure = 1;
  uint64_t seed = 0;
  bool json = false;
  SetArguments set;
};

constexpr const char* x_trans_name = "x-trans";
constexpr const char* no_filters_name = "none";
constexpr const char* monochrome_name = "monochrome";

/// Not a mosaic but a linear DNG.
bool is_linear(const Options& options) {
  return options.cfa == no_filters_name || options.cfa == monochrome_name;
}

enum class OutputKind { dng, png };

OutputKind output_kind(const std::string& path) {
  const std::string ending = lower_ending(path);
  if (ending == ".dng") return OutputKind::dng;
  if (ending == ".png") return OutputKind::png;
  fail("{}: a simulated RAW file is a .dng, or a .png with the sensor's values", path);
}

SensorSettings sensor_settings(const Options& options) {
  SensorSettings settings;
  if (!is_linear(options))
    settings.cfa =
        options.cfa == x_trans_name ? ColourFilters(XTrans{}) : cfa_from_string(options.cfa);
  settings.bits = options.bits;
  settings.exposure = options.exposure;
  settings.noise = noise_at_iso(options.iso, options.sensor);
  if (options.shot) {
    settings.noise.shot = *options.shot;
    settings.noise.read = options.read.value_or(median_read_noise(*options.shot));
  }
  return settings;
}

Image source(const Options& options) {
  if (options.scene.empty()) return upright(read_image(options.photos.front()));
  const auto [width, height] = parse_size(options.scene);
  return painted_scene(width, height);
}

void write_mosaic(const std::string& path, const Mosaic& mosaic) {
  if (output_kind(path) == OutputKind::dng) {
    write_dng(path, mosaic);
    return;
  }
  write_image(path, Image{mosaic.width, mosaic.height, 1, mosaic.samples, {}});
}

// Before an hour of work, not after it.
void check_outputs(const Options& options) {
  if (output_kind(options.output) == OutputKind::png && is_linear(options))
    fail("{}: a frame of --cfa {} is written as a .dng", options.output, options.cfa);
  for (const auto& path : {options.clean, options.plain})
    if (!path.empty() && !is_writable_image(path))
      fail("{}: a picture's name ends in .jpg, .png or .tif", path);
}

/// `levels` are black and white of the file.
void report(const Options& options, const Mosaic& mosaic, const std::array<double, 2>& levels) {
  const NoiseProfile noise = mosaic.noise.value_or(NoiseProfile{});
  nlohmann::ordered_json facts = {
      {"input", options.photos.empty() ? "scene " + options.scene : options.photos.front()},
      {"output", options.output},
      {"width", mosaic.width},
      {"height", mosaic.height},
      {"cfa", options.cfa},
      {"bits", options.bits},
      {"black", levels[0]},
      {"white", levels[1]},
      {"shot", noise.shot},
      {"read", noise.read},
      {"exposure", options.exposure},
      {"seed", options.seed}};
  if (!options.clean.empty()) facts["clean"] = options.clean;
  if (!options.plain.empty()) facts["plain"] = options.plain;
  if (options.json)
    fmt::print("{}\n", to_line(facts));
  else
    fmt::print("{}: {}x{} {}, {} bits, noise variance {:.3g} x + {:.3g}\n", options.output,
               mosaic.width, mosaic.height, options.cfa, options.bits, noise.shot, noise.read);
}

/// The pictures are those of the frame: what is plain needs no demosaicking.
void simulate_linear(const Options& options, const Tensor& scene, const SimulatedCamera& camera,
                     const SensorSettings& settings, Random& random) {
  const LinearShot shot{.is_monochrome = options.cfa == monochrome_name};
  const LinearTake take =
      take_linear(scene, camera, settings, shot, NormalNumbers::one_by_one, random);
  LinearFrame frame = linear_frame(take, camera, settings, shot);
  if (!options.shot) frame.facts.shot.iso = options.iso;
  write_linear_dng(options.output, frame.light, frame.facts);
  if (!options.plain.empty()) write_image(options.plain, picture_of(frame));
  if (!options.clean.empty()) {
    frame.light = shot.is_monochrome ? mean_of_colours(take.clean) : take.clean;
    write_image(options.clean, picture_of(frame));
  }
  report(options, frame.facts, {0, 65535});
}

void simulate(const Options& options) {
  check_outputs(options);
  const SensorSettings settings = sensor_settings(options);
  const SimulatedCamera camera = standard_camera();
  const Tensor scene =
      scene_in_camera_colours(linear_srgb(source(options), options.shrink), camera);
  Random random(options.seed);
  if (is_linear(options)) {
    simulate_linear(options, scene, camera, settings, random);
    return;
  }
  Mosaic mosaic = expose(scene, camera, settings, random);
  if (!options.shot) mosaic.shot.iso = options.iso;
  write_mosaic(options.output, mosaic);
  const Matrix3 to_srgb = camera_to_srgb(camera.xyz_to_camera);
  if (!options.clean.empty())
    write_image(options.clean, srgb_picture(clean_camera_rgb(scene, camera, settings), to_srgb));
  if (!options.plain.empty())
    write_image(options.plain, srgb_picture(bilinear_camera_rgb(mosaic), to_srgb));
  report(options, mosaic, {mosaic.black[0], mosaic.white});
}

void add_sources(CLI::App& command, Options& options) {
  auto* photos = command.add_option(
      "PHOTOS", options.photos, "JPEG, PNG or TIFF, taken as sRGB; for --layout many, or folders");
  auto* scene = command.add_option("--scene", options.scene,
                                   "Instead of a photo: our painted scene of this size, WxH");
  scene->check(size_validator());
  scene->excludes(photos);
}

void add_noise(CLI::App& command, Options& options) {
  auto* iso = command.add_option("--iso", options.iso,
                                 "Noise of a typical camera at this ISO value; 0: none");
  iso->capture_default_str()->check(CLI::Range(0.0, 1e7));
  const std::map<std::string, SensorKind> kinds = {{"full-frame", SensorKind::full_frame},
                                                   {"aps-c", SensorKind::aps_c},
                                                   {"phone", SensorKind::phone}};
  auto* sensor =
      command.add_option("--sensor", options.sensor,
                         "Whose ISO value that is: full-frame, aps-c or phone (default: aps-c)");
  sensor->transform(CLI::CheckedTransformer(kinds))->type_name("KIND");
  auto* shot = command.add_option("--shot", options.shot, "Noise variance per unit of light");
  shot->check(CLI::Range(0.0, 1.0))->excludes(iso)->excludes(sensor);
  command
      .add_option("--read", options.read, "Noise variance in the dark; default: typical for --shot")
      ->check(CLI::Range(0.0, 1.0))
      ->needs(shot);
}

void add_sensor(CLI::App& command, Options& options) {
  command
      .add_option("--cfa", options.cfa,
                  "rggb, bggr, grbg, gbrg or x-trans; none: a linear DNG with three "
                  "colours at every pixel, monochrome: with brightness alone")
      ->capture_default_str()
      ->check(CLI::IsMember(
          {"rggb", "bggr", "grbg", "gbrg", x_trans_name, no_filters_name, monochrome_name}));
  command.add_option("--bits", options.bits, "Bits of a sample, 10 to 16")
      ->capture_default_str()
      ->check(CLI::Range(10, 16));
  command
      .add_option("--exposure", options.exposure, "Brightness; at 1 the photo's white saturates")
      ->capture_default_str()
      ->check(CLI::Range(1e-6, 1e6));
}

void add_pictures(CLI::App& command, Options& options) {
  command.add_option("--clean", options.clean, "Also write the picture without noise, as sRGB");
  command.add_option("--plain", options.plain,
                     "Also write the RAW file developed in the simplest way (bilinear), as sRGB");
}

/// What both kinds of work take.
void add_common(CLI::App& command, Options& options) {
  command
      .add_option("-o,--output", options.output,
                  "RAW file to write: .dng, or .png (16-bit grey); for --layout a new folder")
      ->required();
  command.add_option("--shrink", options.shrink, "Average N x N pixels of the photo first")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  command.add_option("--seed", options.seed, "Of all that is random: same seed, same bytes")
      ->capture_default_str();
  command.add_flag("--json", options.json, "One JSON object on stdout");
}

void run(const Options& options) {
  if (options.set.is_wanted()) {
    if (options.photos.empty()) throw CLI::RequiredError("PHOTOS");
    simulate_set(options.set,
                 {options.photos, options.output, options.shrink, options.seed, options.json});
    return;
  }
  if (options.photos.empty() && options.scene.empty())
    throw CLI::RequiredError("PHOTOS or --scene");
  if (options.photos.size() > 1)
    throw CLI::ValidationError("PHOTOS", "one photo makes one RAW file; --layout takes many");
  simulate(options);
}

}  // namespace

void add_simulate(CLI::App& program) {
  auto* command = add_laboratory_command(program, "simulate");
  auto options = std::make_shared<Options>();
  add_common(*command, *options);
  auto* layout = add_set_options(*command, options->set);
  const auto common = command->get_options();
  add_sources(*command, *options);
  add_noise(*command, *options);
  add_sensor(*command, *options);
  add_pictures(*command, *options);
  // The options of one kind of work mean nothing to the other.
  for (auto* option : command->get_options())
    if (std::ranges::find(common, option) == common.end() && option->get_name() != "PHOTOS")
      option->excludes(layout);
  command->callback([options] { run(*options); });
}

}  // namespace hyperconv::cli
