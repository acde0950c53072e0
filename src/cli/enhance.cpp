// hyperconv enhance: camera files in, clean pictures out.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/fail.hpp"
#include "base/interrupt.hpp"
#include "base/memory.hpp"
#include "base/progress.hpp"
#include "cli/commands.hpp"
#include "cli/size.hpp"
#include "hyperconv/develop.hpp"
#include "pipeline/input.hpp"
#include "pipeline/shard.hpp"
#include "pipeline/shipped.hpp"

namespace hyperconv::cli {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

struct EnhanceArguments {
  std::vector<std::string> inputs;
  std::string output, model, raw_size;
  std::string ending = "jpg";
  std::string shard;
  std::string cfa = "rggb";
  MosaicFormat format;
  double white = 0;
  WriteOptions write;
  EngineOptions engine;
  bool json = false;
};

/// One photo's way from file to file.
struct Job {
  fs::path input, output;
};

struct Outcome {
  Job job;
  int width = 0, height = 0;
  double decode = 0, process = 0, encode = 0, total = 0;  ///< seconds
};

class Stopwatch {
 public:
  /// Seconds since the last lap.
  double lap() {
    const auto now = Clock::now();
    return std::chrono::duration<double>(now - std::exchange(start_, now)).count();
  }

 private:
  Clock::time_point start_ = Clock::now();
};

bool is_dng(const fs::path& path) { return lower_ending(path) == ".dng"; }

void check_output(const fs::path& path) {
  if (!is_writable_image(path) && !is_dng(path))
    fail("{}: a picture's name ends in .jpg, .png, .tif or .dng", path.string());
}

std::vector<fs::path> files_of(const std::vector<std::string>& inputs) {
  std::vector<fs::path> files;
  for (const fs::path input : inputs) {
    if (!fs::is_directory(input)) {
      files.push_back(input);
      continue;
    }
    const size_t before = files.size();
    for (const auto& entry : fs::directory_iterator(input))
      if (entry.is_regular_file() && may_be_mosaic(entry.path())) files.push_back(entry.path());
    if (files.size() == before) fail("{}: holds no camera file", input.string());
    std::sort(files.begin() + std::ptrdiff_t(before), files.end());
  }
  return files;
}

/// Where each input goes; no two to the same place.
std::vector<Job> jobs_of(const EnhanceArguments& a) {
  const auto files = files_of(a.inputs);
  const fs::path output = a.output;
  const bool many = a.inputs.size() > 1 || fs::is_directory(a.inputs[0]);
  if (many && !fs::is_directory(output))
    fail("{}: several photos need a folder that exists", a.output);
  if (!fs::is_directory(output)) {
    check_output(output);
    return {{files[0], output}};
  }
  std::vector<Job> jobs;
  for (const fs::path& file : files) {
    const fs::path target = output / (file.stem().string() + "." + a.ending);
    for (const Job& other : jobs)
      if (other.output == target)
        fail("{} and {} would both become {}", other.input.string(), file.string(),
             target.string());
    jobs.push_back({file, target});
  }
  return jobs;
}

void refuse_overwriting_inputs(const std::vector<Job>& jobs) {
  for (const Job& job : jobs) {
    std::error_code ignored;
    if (fs::equivalent(job.input, job.output, ignored))
      fail("{}: would be overwritten; name another output", job.input.string());
  }
}

Outcome enhance_one(Developer& developer, const Job& job, const EnhanceArguments& a) {
  Outcome outcome{.job = job};
  Stopwatch total, stage;
  const Mosaic mosaic = read_mosaic(job.input, a.format);
  for (const auto& warning : mosaic.warnings)
    fmt::print(stderr, "hyperconv: {}: {}\n", job.input.string(), warning);
  outcome.decode = stage.lap();
  if (is_dng(job.output)) {
    const Tensor rgb = developer.camera_rgb(mosaic);
    outcome.process = stage.lap();
    write_linear_dng(job.output, rgb, mosaic);
    outcome.width = mosaic.width;
    outcome.height = mosaic.height;
  } else {
    const Image picture = upright(developer.picture(mosaic));
    outcome.process = stage.lap();
    write_image(job.output, picture, a.write);
    outcome.width = picture.width;
    outcome.height = picture.height;
  }
  outcome.encode = stage.lap();
  outcome.total = total.lap();
  return outcome;
}

nlohmann::ordered_json to_json(const Outcome& o, const std::string& model) {
  return {
      {"input", o.job.input.string()},
      {"output", o.job.output.string()},
      {"width", o.width},
      {"height", o.height},
      {"model", model},
      {"seconds",
       {{"decode", o.decode}, {"process", o.process}, {"encode", o.encode}, {"total", o.total}}},
      {"peak_rss_bytes", peak_resident_bytes()}};
}

void print_outcome(const Outcome& o) {
  fmt::print("{} -> {}  {}x{}  {:.2f} s (decode {:.2f}, process {:.2f}, encode {:.2f})\n",
             o.job.input.string(), o.job.output.string(), o.width, o.height, o.total, o.decode,
             o.process, o.encode);
}

MosaicFormat format_of(const EnhanceArguments& a) {
  MosaicFormat format = a.format;
  format.cfa = cfa_from_string(a.cfa);
  if (a.white > 0) format.white = a.white;
  if (!a.raw_size.empty()) {
    const auto [width, height] = parse_size(a.raw_size);
    format.width = width;
    format.height = height;
  }
  return format;
}

void run_batch(Developer& developer, const std::vector<Job>& jobs, const EnhanceArguments& a,
               const std::string& model) {
  nlohmann::ordered_json results = nlohmann::ordered_json::array();
  size_t failed = 0;
  Progress progress("enhancing", int64_t(jobs.size()));
  for (size_t i = 0; i < jobs.size(); ++i) {
    try {
      const Outcome outcome = enhance_one(developer, jobs[i], a);
      results.push_back(to_json(outcome, model));
      if (!a.json) print_outcome(outcome);
    } catch (const Error& error) {
      if (interrupted()) throw;
      ++failed;
      fmt::print(stderr, "hyperconv: {}\n", error.what());
    }
    progress.show(int64_t(i) + 1);
  }
  if (a.json)
    fmt::print("{}\n", nlohmann::ordered_json{{"results", results}, {"failed", failed}}.dump());
  if (failed > 0) fail("{} of {} photos failed", failed, jobs.size());
}

/// This process's share of a batch; a single photo is everyone's own.
std::vector<Job> share_of(const std::vector<Job>& all, const EnhanceArguments& a) {
  const Shard shard =
      a.shard.empty() ? shard_from_environment([](const char* name) { return std::getenv(name); })
                      : shard_from_string(a.shard);
  if (all.size() == 1 || shard.is_all()) return all;
  std::vector<Job> mine;
  for (size_t i = 0; i < all.size(); ++i)
    if (shard.has(int64_t(i))) mine.push_back(all[i]);
  fmt::print(stderr, "hyperconv: share {}: {} of {} photos\n", to_string(shard), mine.size(),
             all.size());
  return mine;
}

void enhance_command(EnhanceArguments a) {
  a.format = format_of(a);
  const auto all = jobs_of(a);
  refuse_overwriting_inputs(all);
  const auto jobs = share_of(all, a);
  const std::string model = a.model.empty() ? shipped_model(Task::develop).string() : a.model;
  Developer developer(std::make_shared<const Model>(Model::load(model)), a.engine);
  if (all.size() > 1) {
    run_batch(developer, jobs, a, model);
    return;
  }
  const Outcome outcome = enhance_one(developer, jobs[0], a);
  if (a.json)
    fmt::print("{}\n", to_json(outcome, model).dump());
  else
    print_outcome(outcome);
}

void add_headerless_options(CLI::App& command, EnhanceArguments& a) {
  const char* group = "Mosaics without a header (.raw, one-channel PNG)";
  command.add_option("--raw-size", a.raw_size, "Size of a headerless .raw file, like 4096x3072")
      ->check(size_validator())
      ->group(group);
  command.add_option("--cfa", a.cfa, "rggb, bggr, grbg or gbrg (default rggb)")->group(group);
  command.add_option("--bits", a.format.bits, "Bits a sample holds (default 10)")
      ->check(CLI::Range(1, 16))
      ->group(group);
  command.add_option("--black", a.format.black, "Black level (default 0)")
      ->check(CLI::Range(0.0, 65535.0))
      ->group(group);
  command.add_option("--white", a.white, "White level (default 2^bits - 1)")
      ->check(CLI::Range(1.0, 65535.0))
      ->group(group);
}

}  // namespace

void add_enhance(CLI::App& program) {
  auto* command = program.add_subcommand(
      "enhance", "Develop camera RAW files into clean pictures (or clean linear DNGs)");
  auto a = std::make_shared<EnhanceArguments>();
  command->add_option("IN", a->inputs, "Camera files, mosaic PNGs, or a folder of them")
      ->required();
  command
      ->add_option("-o,--output", a->output,
                   "Picture (.jpg .png .tif .dng), or a folder that exists for many")
      ->required();
  command->add_option("--model", a->model, "Model file (default: the one that is shipped)");
  command->add_option("--format", a->ending, "Ending of pictures in a folder (default jpg)")
      ->check(CLI::IsMember({"jpg", "png", "tif", "dng"}));
  command->add_option("--quality", a->write.jpeg_quality, "Of JPEG, 1..100 (default 95)")
      ->check(CLI::Range(1, 100));
  command->add_option("--threads", a->engine.threads, "Threads (default: all cores)")
      ->check(CLI::Range(1, 1024));
  command->add_option("--shard", a->shard,
                      "Of many photos only this share, like 2/8 (default: what torchrun, mpirun, "
                      "srun or a Slurm array says)");
  command->add_flag("--json", a->json, "One JSON object on stdout");
  add_headerless_options(*command, *a);
  command->callback([a] { enhance_command(*a); });
}

}  // namespace hyperconv::cli
