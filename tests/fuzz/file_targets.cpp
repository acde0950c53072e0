// Readers of files: models, pictures, RAW files, tables, recipes.
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <initializer_list>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "image/codec.hpp"
#include "image/image.hpp"
#include "image/jpeg.hpp"
#include "image/png.hpp"
#include "image/tiff.hpp"
#include "network/cost.hpp"
#include "network/model.hpp"
#include "network/zoo.hpp"
#include "raw/decode.hpp"
#include "raw/lens.hpp"
#include "raw/mosaic.hpp"
#include "simulation/scene.hpp"
#include "simulation/simulator.hpp"
#include "studies/results.hpp"
#include "targets.hpp"
#if HYPERCONV_HAS_TRAINING
#include "training/recipe.hpp"
#endif

namespace hyperconv::fuzz {
namespace {

namespace fs = std::filesystem;

/// For readers that want a path.
const fs::path& scratch_file(const char* name) {
  static const TemporaryFolder folder(fs::exists("/dev/shm") ? fs::path("/dev/shm")
                                                             : fs::temp_directory_path());
  static fs::path path;
  return path = folder / name;
}

/// Not through PendingFile: the disk's flush would take most of the time.
const fs::path& written(const char* name, const Bytes& bytes) {
  const fs::path& path = scratch_file(name);
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr || std::fwrite(bytes.data(), 1, bytes.size(), file) != bytes.size())
    fail("{}: cannot be written", path.string());
  std::fclose(file);
  return path;
}

template <class Write>
Bytes as_file(const char* name, const Write& write) {
  const fs::path path = scratch_file(name);
  write(path);
  return read_file(path);
}

std::vector<Bytes> models() {
  std::vector<Bytes> seeds;
  const auto add = [&](const Graph& graph, Task task, Precision precision) {
    seeds.push_back(as_file("m.safetensors", [&](const fs::path& path) {
      save_model(path, untrained(graph, {.task = task, .name = "tiny", .summary = "none"}, 1),
                 precision);
    }));
  };
  add(make_network("develop", {.width = 4, .hidden = 2}), Task::develop, Precision::f16);
  add(make_network("develop-16", {.width = 4, .hidden = 2}), Task::develop, Precision::i8);
  add(small_denoiser({.width = 4, .hidden = 2}), Task::denoise, Precision::f32);
  add(make_network("awnet", {.width = 8}), Task::isp, Precision::bf16);
  return seeds;
}

void read_model(const Bytes& bytes) {
  const Model model = Model::load(written("m.safetensors", bytes));
  const int side = size_multiple(model.graph());
  const int channels = std::get<Input>(model.graph().node(0).op).channels;
  total_cost(model.graph(), {1, channels, side, side});
  save_model(scratch_file("n.safetensors"), model, Precision::f16);
}

std::vector<Bytes> pictures(const char* ending) {
  std::vector<Bytes> seeds;
  Image image = painted_scene(72, 64);
  image.metadata.xmp = {'<', 'x', '/', '>'};
  image.metadata.orientation = 6;
  image.metadata.resolution = Resolution{300, 300, Resolution::Unit::inch};
  image.metadata.texts["Comment"] = "a scene";
  const std::string name = std::string("p") + ending;
  const auto add = [&](const Image& picture) {
    seeds.push_back(
        as_file(name.c_str(), [&](const fs::path& path) { write_image(path, picture); }));
  };
  add(image);
  if (std::string(ending) != ".jpg") add(to_u16(image));
  Image grey = image;
  grey.channels = 1;
  grey.samples = std::vector<uint8_t>(grey.count(), 77);
  add(grey);
  return seeds;
}

std::vector<Bytes> raw_files() {
  const SimulatedCamera camera = standard_camera();
  const Tensor scene = scene_in_camera_colours(linear_srgb(painted_scene(72, 64)), camera);
  Random random(1);
  const Mosaic mosaic = expose(scene, camera, {}, random);
  std::vector<Bytes> seeds = {encode_dng(mosaic)};
  seeds.push_back(as_file("l.dng", [&](const fs::path& path) {
    Tensor light({1, 3, 64, 72});
    std::fill_n(light.data(), light.size(), 0.5f);
    write_linear_dng(path, light, mosaic);
  }));
  return seeds;
}

Bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }
std::string text_of(const Bytes& bytes) { return {bytes.begin(), bytes.end()}; }

/// The first bytes are the facts, the others the samples.
void read_headerless_mosaic(const Bytes& bytes) {
  constexpr size_t facts_size = 16;
  Bytes facts = bytes;
  facts.resize(facts_size);
  const Bytes samples(bytes.begin() + std::ptrdiff_t(std::min(facts_size, bytes.size())),
                      bytes.end());
  const auto number = [&](size_t i) { return facts[i] | facts[i + 1] << 8; };
  MosaicFormat format;
  format.width = number(0);
  // Of seven files one has a height that does not fit.
  const bool fits = facts[2] % 8 != 7 && format.width > 0;
  format.height = fits ? int(samples.size()) / 2 / format.width : number(3);
  format.cfa = Cfa(facts[5] % 4);
  format.bits = 1 + facts[6] % 16;
  format.black = number(7);
  if (facts[9] % 2 == 1) format.white = number(10);
  decode_headerless("a mosaic", samples, format);
}

/// 32x24 samples of 10 bits.
Bytes headerless_seed() {
  Bytes seed(16 + 2 * 32 * 24, 1);
  seed[0] = 32;
  seed[1] = 0;
  seed[6] = 9;
  seed[7] = seed[8] = seed[9] = 0;
  return seed;
}

/// A DNG's list of WarpRectilinear, FixVignetteRadial and GainMap.
Bytes opcodes_seed() {
  Bytes list;
  const auto put = [&list](uint64_t value, int size) {
    for (int shift = 8 * (size - 1); shift >= 0; shift -= 8)
      list.push_back(uint8_t(value >> shift));
  };
  const auto begin = [&](uint32_t id, uint32_t length) {
    for (const uint32_t value : {id, 0x01030000u, 0u, length}) put(value, 4);
  };
  const auto doubles = [&](std::initializer_list<double> values) {
    for (const double value : values) put(std::bit_cast<uint64_t>(value), 8);
  };
  put(3, 4);
  begin(1, 68);
  put(1, 4);
  doubles({0.9, 0.1, 0, 0, 0.01, 0, 0.5, 0.5});
  begin(3, 56);
  doubles({0.5, 0.1, 0, 0, 0, 0.5, 0.5});
  begin(9, 84);
  for (const uint32_t value : {0u, 0u, 64u, 72u, 0u, 3u, 1u, 1u, 1u, 2u}) put(value, 4);
  doubles({1, 1, 0, 0});
  put(1, 4);
  for (const float gain : {1.f, 2.f}) put(std::bit_cast<uint32_t>(gain), 4);
  return list;
}

void correct_by_opcodes(const Bytes& bytes) {
  Mosaic facts;
  facts.width = 72;
  facts.height = 64;
  facts.later_opcodes = bytes;
  const auto lens = lens_of_opcodes(facts);
  if (!lens) return;
  const Region part{10, 20, 16, 16};
  const Region needed = needed_for(*lens, part, facts.width, facts.height);
  const Tensor light({1, 3, needed.height, needed.width});
  corrected(*lens, light, needed, part, facts.width, facts.height, 1);
}

constexpr const char* recipe_text = R"([model]
network = "develop"
name = "tiny"
data_licence = "own"

[data]
photos = "photos"
shrink = [1, 2]
shrink_share = [0.6, 0.4]
draw = "detail"
sensors = "all"
patch = 64
batch = 2

[training]
steps = 10
warmup = 2
learning_rate = 1e-3
loss = "charbonnier"
schedule = "steps"
decay_at = [2, 5]
seed = 1
)";

}  // namespace

std::vector<Target> file_targets() {
  std::vector<Target> targets;
  const auto add = [&](const char* name, const char* summary, std::vector<Bytes> seeds,
                       std::vector<std::string> words, std::function<void(const Bytes&)> run) {
    targets.push_back({name, summary, std::move(seeds), std::move(words), std::move(run), true});
  };
  add("model", "model files", models(),
      {"\"F16\"", "\"I8\"", "[[[[", "{\"a\":", "\"nodes\":", "\"inputs\":[", "\"op\":"},
      read_model);
  add("graph", "a graph's JSON",
      {bytes_of(graph_to_json(make_network("develop"))),
       bytes_of(graph_to_json(make_network("pynet")))},
      {"\"op\":", "\"conv2d\"", "\"hyper_conv2d\"", "\"inputs\":[", "[[[[[[[[", "\"kernel\":"},
      [](const Bytes& bytes) {
        const Graph graph = graph_from_json(text_of(bytes));
        infer_shapes(graph, {1, std::get<Input>(graph.node(0).op).channels, 64, 64});
      });
  add("jpeg", "JPEGs with EXIF, XMP and ICC", pictures(".jpg"),
      {"\xff\xd8", "\xff\xe1", "\xff\xe2", "\xff\xc4", "\xff\xda", "Exif", "ICC_PROFILE", "MM"},
      [](const Bytes& bytes) { decode_jpeg("a.jpg", bytes); });
  add("png", "PNGs", pictures(".png"),
      {"IHDR", "PLTE", "IDAT", "IEND", "iCCP", "eXIf", "iTXt", "gAMA", "cICP", "tRNS"},
      [](const Bytes& bytes) { decode_png("a.png", bytes); });
  add("tiff", "TIFFs", pictures(".tif"), {"II*", "MM", "\x0c\x01", "\x11\x01", "\x1a\x01"},
      [](const Bytes& bytes) { decode_tiff("a.tif", bytes); });
  for (const char* ending : {".jxl", ".avif", ".heic"}) {
    const Codec& codec = *codec_by_ending(std::string("a") + ending);
    if (codec.decode == nullptr) continue;
    add(codec.endings.front() == ".heic" ? "heif" : ending + 1, "pictures of a newer format",
        pictures(ending), {"ftyp", "meta", "iloc", "ispe", "colr", "Exif", "mdat", "\xff\x0a"},
        [&codec](const Bytes& bytes) { codec.decode("a picture", bytes); });
  }
  add("raw", "camera files and DNGs", raw_files(),
      {"II*", "MM", "\x01\x83", "\x12\xc6", "\x1d\xc6"},
      [](const Bytes& bytes) { decode_raw_frame("a.dng", bytes); });
  add("opcodes", "a DNG's opcodes of a lens", {opcodes_seed()}, {}, correct_by_opcodes);
  add("headerless", "mosaics without a header", {headerless_seed()}, {}, read_headerless_mosaic);
  add("table", "results of studies (CSV)",
      {bytes_of("study,network,seed,psnr\nx,a,1,30.5\nx,b,2,31\n")}, {"\"", ",", "\n", "#"},
      [](const Bytes& bytes) {
        const Results results = read_results(written("t.csv", bytes));
        if (results.size() > 0 && !results.columns().empty())
          results.distinct(results.columns()[0]);
      });
#if HYPERCONV_HAS_TRAINING
  add("recipe", "training recipes (TOML)", {bytes_of(recipe_text)},
      {"[data]", "[[data.mix]]", "steps", "nan", "inf", "photos", "patch"},
      [](const Bytes& bytes) { read_recipe(written("r.toml", bytes)); });
#endif
  return targets;
}

std::vector<Target> all_targets() {
  std::vector<Target> targets = file_targets();
  targets.push_back(api_target());
  targets.push_back(engine_target());
#if HYPERCONV_HAS_TRAINING
  targets.push_back(checkpoint_target());
#endif
  return targets;
}

}  // namespace hyperconv::fuzz
