// hyperconv bench: one network and one photo through our engine and through others, in turn.
#include "lab_cli/bench.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "base/processor.hpp"
#include "base/random.hpp"
#include "base/threads.hpp"
#include "cli/size.hpp"
#include "image/image.hpp"
#include "lab_cli/bench_rival.hpp"
#include "lab_cli/commands.hpp"
#include "network/cost.hpp"
#include "network/zoo.hpp"
#include "onnx/onnx.hpp"
#include "pipeline/develop.hpp"
#include "pipeline/input.hpp"

namespace hyperconv::cli {
namespace {

namespace fs = std::filesystem;

struct BenchArguments {
  std::string network, model, size, photo, environment = "build/rivals", markdown, csv;
  std::vector<std::string> rivals;
  int repeats = 5, threads = 0;
  uint64_t seed = 1;
  bool json = false;
};

std::array<double, 3> load_average() {
  std::array<double, 3> load{};
  ::getloadavg(load.data(), int(load.size()));
  return load;
}

Model model_of(const BenchArguments& a) {
  if (!a.model.empty()) return Model::load(a.model);
  const ModelInfo info{network_use(a.network).task, a.network,
                       fmt::format("untrained, seed {}", a.seed), "none, no data was seen"};
  return untrained_network(a.network, {}, info, a.seed);
}

/// Side of the square of a photo's samples that one pixel of the network's input holds.
int samples_of(const Model& model) { return model.info().task == Task::denoise ? 1 : 2; }

Shape input_shape(const BenchArguments& a, const Model& model) {
  const int samples = samples_of(model), multiple = samples * size_multiple(model.graph());
  const auto [rows, columns] = parse_size(a.size);
  if (rows % multiple != 0 || columns % multiple != 0)
    fail("--size {}: {} takes photos whose rows and columns are multiples of {}", a.size,
         model.info().name, multiple);
  return {1, std::get<Input>(model.graph().node(0).op).channels, rows / samples, columns / samples};
}

Tensor random_photo(const Shape& shape, uint64_t seed) {
  Tensor photo(shape);
  Random random(seed);
  for (size_t i = 0; i < photo.size(); ++i) photo.data()[i] = float(random.uniform());
  return photo;
}

/// The top left of a picture, as much as the network takes.
Tensor rgb_photo(const fs::path& path, const Graph& graph) {
  const Image image = read_image(path);
  const int m = size_multiple(graph);
  const Shape shape{1, 3, image.height / m * m, image.width / m * m};
  if (image.channels != 3 || shape.count() == 0)
    fail("{}: is no RGB picture of at least {}x{}", path.string(), m, m);
  const std::vector<float> values = to_float(image);
  Tensor photo(shape);
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t y = 0; y < shape.h; ++y)
      for (int64_t x = 0; x < shape.w; ++x)
        photo.at(0, c, y, x) = values[size_t((y * image.width + x) * 3 + c)];
  return photo;
}

Tensor given_photo(const fs::path& path, const Model& model) {
  switch (model.info().task) {
    case Task::develop:
      return pack_mosaic(read_mosaic(path, {}), 0, size_multiple(model.graph())).cells;
    case Task::denoise:
    case Task::noise:
      return rgb_photo(path, model.graph());
    case Task::isp:
      break;
  }
  fail("{}: a network for the task isp is run on drawn numbers only; leave --photo out",
       path.string());
}

Tensor photo_of(const BenchArguments& a, const Model& model) {
  return a.photo.empty() ? random_photo(input_shape(a, model), a.seed)
                         : given_photo(a.photo, model);
}

bool holds(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

/// --rivals, each once; the default is what needs nothing but this build.
std::vector<std::string> rivals_of(const BenchArguments& a) {
  if (a.rivals.empty())
    return HYPERCONV_HAS_TRAINING ? std::vector<std::string>{"libtorch"}
                                  : std::vector<std::string>{};
  if (a.rivals == std::vector<std::string>{"none"}) return {};
  std::vector<std::string> rivals;
  for (const std::string& name : a.rivals) {
    if (!holds(rival_names(), name))
      fail("no rival is called '{}'; there are {}, or none", name, fmt::join(rival_names(), ", "));
    if (!holds(rivals, name)) rivals.push_back(name);
  }
  return rivals;
}

bool reads_onnx(const std::string& rival) { return rival == "onnxruntime" || rival == "openvino"; }

/// Writes rival.py and makes sure that Python has what the rivals need.
RivalHome python_home(const BenchArguments& a, const std::vector<std::string>& rivals,
                      const fs::path& folder) {
  const RivalHome home{fs::absolute(a.environment) / "bin" / "python", folder / "rival.py"};
  std::vector<std::string> packages;
  for (const std::string& rival : rivals)
    if (const auto package = python_package(rival)) packages.push_back(*package);
  if (packages.empty()) return home;
  const std::string remedy = fmt::format("make it with bench/rivals/setup {}", a.environment);
  if (!fs::exists(home.python))
    fail("{}: no Python environment for {} is there; {}", a.environment, fmt::join(packages, ", "),
         remedy);
  write_file(home.script, std::string(rival_script));
  const auto missing = missing_packages(home, packages, folder);
  if (!missing.empty())
    fail("{}: Python has no {} there; {}", a.environment, fmt::join(missing, ", "), remedy);
  return home;
}

/// Why someone cannot run in bf16 here; nothing where it can.
std::optional<std::string> why_not_bf16(const std::string& engine) {
  // Without the instructions ours computes in fp32, and has bf16 between the layers.
  if (engine == "hyperconv") return std::nullopt;
  if (!has_bf16()) return "not on this machine: its processor has no AVX512_BF16";
  if (engine == "onnxruntime") return "onnxruntime has no bf16 convolutions on a CPU";
  return std::nullopt;
}

struct Field {
  std::vector<Contestant> contestants;
  std::vector<BenchAbsence> absent;
};

/// hyperconv as it comes, and each rival as it comes and tuned; all in fp32 and, where possible,
/// bf16.
Field field_of(const std::vector<std::string>& rivals) {
  Field field;
  const auto add = [&](const std::string& engine, bool tuned) {
    field.contestants.push_back({engine, Arithmetic::fp32, tuned});
    const Contestant narrow{engine, Arithmetic::bf16, tuned};
    if (const auto reason = why_not_bf16(engine))
      field.absent.push_back({narrow, *reason});
    else
      field.contestants.push_back(narrow);
  };
  add("hyperconv", false);
  for (const std::string& rival : rivals)
    for (const bool tuned : {false, true}) add(rival, tuned);
  return field;
}

void write_input(const fs::path& path, const Tensor& tensor) {
  write_file(path, std::span(reinterpret_cast<const uint8_t*>(tensor.data()),
                             tensor.size() * sizeof(float)));
}

void write_onnx(const fs::path& path, const Model& model, const Shape& shape) {
  const OnnxSummary summary = onnx_summary(model.graph(), model.info());
  if (shape.h < summary.smallest_height || shape.w < summary.smallest_width)
    fail("onnxruntime and openvino take this network from {}x{} samples on",
         summary.smallest_height * samples_of(model), summary.smallest_width * samples_of(model));
  export_onnx(path, model);
}

/// A report file under way; made before the work, so that a path that cannot be written is told
/// before it.
std::unique_ptr<PendingFile> pending(const std::string& path) {
  return path.empty() ? nullptr : std::make_unique<PendingFile>(path);
}

void finish(PendingFile* file, const std::string& text) {
  if (file == nullptr) return;
  file->write({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  file->commit();
}

/// What the contest needs, on disk; the model and the photo are not kept in memory beside it.
struct Preparation {
  BenchTask task;
  BenchReport report;
  int64_t memory_guess = 0;
};

Preparation prepare(const BenchArguments& a, bool onnx, const fs::path& folder) {
  const Model model = model_of(a);
  const Tensor photo = photo_of(a, model);
  Preparation p;
  const Cost cost = total_cost(model.graph(), photo.shape());
  p.task = {.model = a.model.empty() ? folder / "model.safetensors" : fs::absolute(a.model),
            .onnx = onnx ? folder / "model.onnx" : fs::path(),
            .input = folder / "input",
            .shape = photo.shape(),
            .threads = a.threads > 0 ? a.threads : available_cores()};
  if (onnx) write_onnx(p.task.onnx, model, photo.shape());
  if (a.model.empty()) save_model(p.task.model, model, hyperconv::Precision::f32);
  write_input(p.task.input, photo);
  const int samples = samples_of(model);
  p.report = {.network = model.info().name,
              .size = to_string(PhotoSize{samples * photo.shape().h, samples * photo.shape().w}),
              .photo = a.photo.empty() ? fmt::format("drawn, seed {}", a.seed) : a.photo,
              .input = photo.shape(),
              .flops_total = cost.flops_total,
              .threads = p.task.threads,
              .repeats = a.repeats,
              .cores = available_cores(),
              .processor = processor_name()};
  // Until one has run: weights twice, and all convolutions' outputs.
  p.memory_guess = 2 * cost.parameters * int64_t(sizeof(float)) + cost.conv_memory_bytes;
  return p;
}

void bench(const BenchArguments& a) {
  const auto rivals = rivals_of(a);
  if (!HYPERCONV_HAS_TRAINING && holds(rivals, "libtorch"))
    fail("this build has no libtorch to run against; configure with -DHYPERCONV_TRAINING=ON");
  const auto markdown = pending(a.markdown), csv = pending(a.csv);
  const TemporaryFolder workshop;
  const RivalHome home = python_home(a, rivals, workshop.path());
  Preparation p = prepare(a, std::ranges::any_of(rivals, reads_onnx), workshop.path());
  Field field = field_of(rivals);
  p.report.load_before = load_average();
  p.report.outcome =
      run_contest(field.contestants, p.task, home, a.repeats, p.memory_guess, workshop.path());
  p.report.load_after = load_average();
  auto& absent = p.report.outcome.absent;
  absent.insert(absent.end(), field.absent.begin(), field.absent.end());
  finish(markdown.get(), bench_markdown(p.report));
  finish(csv.get(), bench_csv(p.report));
  fmt::print("{}", a.json ? bench_json(p.report) : bench_text(p.report));
}

}  // namespace

void add_bench(CLI::App& program) {
  auto* command = add_laboratory_command(program, "bench");
  auto a = std::make_shared<BenchArguments>();
  a->size = to_string(paper_memory_size(""));
  auto* model = command->add_option("--model", a->model, "A trained network (.safetensors)");
  command
      ->add_option(
          "--network", a->network,
          fmt::format("Instead of it an untrained one: {}", fmt::join(network_names(), ", ")))
      ->excludes(model);
  auto* size = command
                   ->add_option("--size", a->size,
                                "Photo in samples, rows x columns, with numbers drawn for it")
                   ->check(size_validator())
                   ->capture_default_str();
  command
      ->add_option("--photo", a->photo,
                   "A photo instead: a camera file to develop, or a picture to denoise")
      ->excludes(size);
  command
      ->add_option("--rivals", a->rivals,
                   fmt::format("Whom to run against, by commas: {}, or none (default: libtorch, "
                               "where this build has it)",
                               fmt::join(rival_names(), ", ")))
      ->delimiter(',');
  command
      ->add_option("--environment", a->environment,
                   "Folder of the Python rivals' environment, made by bench/rivals/setup")
      ->capture_default_str();
  command->add_option("--repeats", a->repeats, "Rounds")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--threads", a->threads, "0: all cores")->check(CLI::Range(0, 1024));
  command->add_option("--seed", a->seed, "Of drawn weights and numbers")->capture_default_str();
  command->add_flag("--json", a->json, "One JSON object on stdout");
  command->add_option("--markdown", a->markdown, "Also write the table as Markdown");
  command->add_option("--csv", a->csv, "Also write the table as CSV");
  command->callback([a] {
    if (a->model.empty() && a->network.empty()) throw CLI::RequiredError("--model or --network");
    bench(*a);
  });
  add_bench_child(program);
}

}  // namespace hyperconv::cli
