// What runs in a child of `hyperconv bench`: our engine, or libtorch. Speaks as
// bench/rivals/rival.py does, which tells the protocol.
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "engine/engine.hpp"
#include "lab_cli/bench.hpp"
#include "training/inference.hpp"

namespace hyperconv::cli {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

struct ChildArguments {
  std::string engine, model, input, precision = "fp32";
  std::vector<int64_t> shape;
  int threads = 0;
  bool tuned = false;
};

/// One network, ready to run.
struct Runner {
  std::function<void(const Tensor&, Tensor&)> run;
  std::string version, settings;
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void answer(const Json& facts) { std::cout << to_line(facts) << '\n' << std::flush; }

int64_t page_faults() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt + usage.ru_majflt;
}

/// Not getrusage's: that one begins with the parent's.
int64_t own_peak_resident_bytes() {
  std::ifstream status("/proc/self/status");
  std::string word;
  int64_t kilobytes = 0;
  while (status >> word)
    if (word == "VmHWM:" && status >> kilobytes) return 1024 * kilobytes;
  fail("/proc/self/status does not tell VmHWM");
}

Runner our_engine(const ChildArguments& a) {
  const auto model = std::make_shared<const Model>(Model::load(a.model));
  const auto engine = std::make_shared<Engine>(
      model, EngineOptions{.threads = a.threads,
                           .precision = a.precision == "bf16" ? Precision::bf16 : Precision::f32});
  // How long a network takes does not depend on what stands beside the photo.
  const SideInputs side = neutral_side_inputs(model->graph());
  return {[engine, side](const Tensor& input, Tensor& output) { engine->run(input, output, side); },
          HYPERCONV_VERSION, ""};
}

Runner libtorch(const ChildArguments& a) {
  if constexpr (HYPERCONV_HAS_TRAINING) {
    const TorchInferenceOptions options{
        .threads = a.threads,
        .tuned = a.tuned,
        .precision = a.precision == "bf16" ? TrainingPrecision::bf16 : TrainingPrecision::fp32};
    const Model model = Model::load(a.model);
    const auto network = std::make_shared<TorchInference>(model, options);
    const SideInputs side = neutral_side_inputs(model.graph());
    return {
        [network, side](const Tensor& input, Tensor& output) { network->run(input, output, side); },
        TorchInference::version(), a.tuned ? "channels-last" : ""};
  }
  fail("this build has no libtorch");
}

Tensor read_input(const ChildArguments& a) {
  const Shape shape{1, a.shape.at(0), a.shape.at(1), a.shape.at(2)};
  const MappedFile file(a.input);
  if (file.bytes().size() != size_t(shape.count()) * sizeof(float))
    fail("{}: does not hold {}", a.input, to_string(shape));
  Tensor input(shape);
  std::memcpy(input.data(), file.bytes().data(), file.bytes().size());
  return input;
}

void write_floats(const std::string& path, const Tensor& tensor) {
  write_file(path, std::span(reinterpret_cast<const uint8_t*>(tensor.data()),
                             tensor.size() * sizeof(float)));
}

Json one_run(const Runner& runner, const Tensor& input, Tensor& output) {
  const int64_t faults = page_faults();
  const auto start = Clock::now();
  runner.run(input, output);
  const double seconds = seconds_since(start);
  return {{"seconds", seconds},
          {"page_faults", page_faults() - faults},
          {"peak_rss_bytes", own_peak_resident_bytes()}};
}

void converse(const Runner& runner, const Tensor& input) {
  Tensor output;
  for (std::string line; std::getline(std::cin, line);) {
    if (line == "run") {
      answer(one_run(runner, input, output));
    } else if (line.starts_with("write ")) {
      write_floats(line.substr(6), output);
      const Shape& s = output.shape();
      answer({{"shape", {s.n, s.c, s.h, s.w}}});
    } else {
      fail("no command is called {}", line);
    }
  }
}

void be_a_child(const ChildArguments& a) {
  try {
    const Tensor input = read_input(a);
    const auto start = Clock::now();
    const Runner runner = a.engine == "libtorch" ? libtorch(a) : our_engine(a);
    answer({{"version", runner.version},
            {"settings", runner.settings},
            {"load_seconds", seconds_since(start)}});
    converse(runner, input);
  } catch (const std::bad_alloc&) {
    answer({{"error", "out of memory"}});
  } catch (const std::exception& error) {
    answer({{"error", error.what()}});
  }
}

}  // namespace

void add_bench_child(CLI::App& program) {
  // In no group: not listed by --help.
  auto* command = program.add_subcommand("bench-child", "What bench runs")->group("");
  auto a = std::make_shared<ChildArguments>();
  command->add_option("ENGINE", a->engine)
      ->required()
      ->check(CLI::IsMember({"hyperconv", "libtorch"}));
  command->add_option("--model", a->model)->required();
  command->add_option("--input", a->input)->required();
  command->add_option("--shape", a->shape)->required()->expected(3)->check(CLI::PositiveNumber);
  command->add_option("--threads", a->threads)->required();
  command->add_option("--precision", a->precision)->check(CLI::IsMember({"fp32", "bf16"}));
  command->add_flag("--tuned", a->tuned);
  command->callback([a] { be_a_child(*a); });
}

}  // namespace hyperconv::cli
