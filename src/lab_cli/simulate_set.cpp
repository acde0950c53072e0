#include "lab_cli/simulate_set.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "studies/study.hpp"

namespace hyperconv::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* first_layout = "zrr";
constexpr const char* second_layout = "zrr-2";

Json to_json(const SimzrrPart& part) {
  return {{"patches", part.patches},
          {"photos", part.photos},
          {"eight_bit", part.eight_bit},
          {"mirrored", part.mirrored}};
}

CLI::Validator even() {
  return {[](const std::string& text) -> std::string {
            const bool is_even = !text.empty() && (text.back() - '0') % 2 == 0;
            return is_even ? "" : "a mosaic has an even number of samples, not " + text;
          },
          "EVEN"};
}

void print_part(const char* name, const SimzrrPart& part) {
  fmt::print("{:<6} {} patches of {} photos, {} mosaics in 8 bits", name, part.patches, part.photos,
             part.eight_bit);
  if (part.mirrored > 0) fmt::print(", {} larger than their photo and mirrored", part.mirrored);
  fmt::print("\n");
}

void report(const SimzrrSummary& summary, const SimzrrOptions& options, const SetSources& sources) {
  const std::string fingerprint = data_fingerprint(sources.output);
  if (sources.json) {
    const Json json = {{"output", sources.output},        {"layout", "simzrr"},
                       {"version", int(options.version)}, {"note", simzrr_note},
                       {"fingerprint", fingerprint},      {"patch", options.patch},
                       {"misalign", options.misalign},    {"seed", options.seed},
                       {"train", to_json(summary.train)}, {"test", to_json(summary.test)},
                       {"left_out", summary.left_out}};
    fmt::print("{}\n", to_line(json));
    return;
  }
  fmt::print("{}: simzrr, version {}, {}; {}x{}, seed {}\n", sources.output, int(options.version),
             simzrr_note, options.patch, options.patch, options.seed);
  print_part("train", summary.train);
  print_part("test", summary.test);
  for (const auto& line : summary.left_out) fmt::print("left out: {}\n", line);
  fmt::print("fingerprint {}\n", fingerprint);
}

}  // namespace

CLI::Option* add_set_options(CLI::App& command, SetArguments& arguments) {
  SimzrrOptions& o = arguments.options;
  auto* layout = command.add_option(
      "--layout", arguments.layout,
      "Make a data set of many photos instead; zrr: that of Zurich RAW-to-DSLR, simulated; zrr-2: "
      "the same of a phone with faults, beside a larger camera's rendering");
  layout->check(CLI::IsMember({first_layout, second_layout}));
  const auto set_option = [&](const char* name, auto& value, const char* what) {
    return command.add_option(name, value, what)->needs(layout);
  };
  set_option("--patch", o.patch,
             "Side of a patch, even; a photo that is smaller is mirrored at its edges, and left "
             "out below half of it")
      ->capture_default_str()
      ->check(CLI::Range(32, 2048))
      ->check(even());
  set_option("--train-patches", o.train_patches, "Pairs for training")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  set_option("--test-patches", o.test_patches, "Pairs for tests, from other photos")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  auto* tests =
      set_option("--test-photos", arguments.test_photos, "Folder of the photos for tests");
  set_option("--test-share", o.test_share, "Without it: the share of photos that are for tests")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 0.99))
      ->excludes(tests);
  set_option("--misalign", o.misalign,
             "Move, turn and zoom the phone's picture by up to so many pixels")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 32.0));
  set_option("--threads", arguments.threads, "Threads (default: all cores)")
      ->check(CLI::Range(1, 1024));
  return layout;
}

void simulate_set(const SetArguments& arguments, const SetSources& sources) {
  SimzrrOptions options = arguments.options;
  options.version = arguments.layout == second_layout ? SimzrrVersion::two : SimzrrVersion::one;
  options.shrink = sources.shrink;
  options.seed = sources.seed;
  std::vector<std::filesystem::path> tests;
  if (!arguments.test_photos.empty()) tests.emplace_back(arguments.test_photos);
  Threads threads(arguments.threads);
  const SimzrrSummary summary = simulate_zrr({sources.photos.begin(), sources.photos.end()}, tests,
                                             sources.output, options, threads);
  report(summary, options, sources);
}

}  // namespace hyperconv::cli
