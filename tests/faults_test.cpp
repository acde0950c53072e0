// hyperconv where memory, disk, files or threads are short: tests/faults makes the n-th call of a
// kind fail, and then all from one on.
#include "faults.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>

#include "image/image.hpp"
#include "network/model.hpp"
#include "network/zoo.hpp"
#include "program.hpp"
#include "raw/mosaic.hpp"
#include "simulation/scene.hpp"
#include "simulation/simulator.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

struct Shortage {
  const char* kind;    ///< as tests/faults calls it
  const char* output;  ///< ending of the picture
};

// For the names of the tests in CTest.
void PrintTo(const Shortage& shortage, std::ostream* out) {
  *out << shortage.kind << shortage.output;
}

class Faults : public testing::TestWithParam<Shortage> {
 protected:
  Faults() {
    save_model(folder_ / "m.safetensors",
               untrained(hyper_unet({.width = 4, .hidden = 4}), {.name = "tiny"}, 1),
               Precision::f16);
    const SimulatedCamera camera = standard_camera();
    const Tensor scene = scene_in_camera_colours(linear_srgb(painted_scene(80, 64)), camera);
    Random random(1);
    Mosaic mosaic = expose(scene, camera, {.noise = {1e-3, 1e-6}}, random);
    mosaic.shot.iso = 800;
    write_dng(folder_ / "a.dng", mosaic);
    fs::create_directory(outputs_);
    expect_success(enhance({}));
    picture_ = read_file(output_);
  }

  Outcome enhance(const Circumstances& circumstances) const {
    fs::remove(output_);
    return run_program({"enhance", (folder_ / "a.dng").string(), "-o", output_.string(), "--model",
                        (folder_ / "m.safetensors").string(), "--threads", "3", "--json"},
                       circumstances);
  }

  /// What became of it, and whether a call has failed.
  struct Tried {
    Outcome outcome;
    bool failed = false;
  };
  Tried with_fault(int call, bool and_all_after) const {
    const fs::path mark = folder_ / "failed";
    fs::remove(mark);
    const std::string program =
        program_with_fault(HYPERCONV_PROGRAM, {GetParam().kind, call, and_all_after}, mark);
    Outcome outcome = enhance({.shell = {}, .output = {}, .program = program});
    return {std::move(outcome), fs::exists(mark)};
  }

  size_t outputs() const {
    return size_t(std::distance(fs::directory_iterator(outputs_), fs::directory_iterator()));
  }

  void expect_success(const Outcome& outcome) const {
    EXPECT_EQ(outcome.status, 0) << outcome.errors;
    EXPECT_EQ(outputs(), 1u);
  }

  /// The picture as it is without faults and exit 0; or exit 1 with one line that says what is
  /// short. Never anything but that picture.
  void expect_all_or_nothing(const Outcome& outcome, bool can_speak) const {
    // Where the picture's JSON could not be written, or memory was short after the picture, it is
    // whole all the same.
    if (outputs() > 0) {
      EXPECT_EQ(read_file(output_), picture_);
    }
    EXPECT_LE(outputs(), 1u);
    if (outcome.status == 0) {
      EXPECT_EQ(outputs(), 1u);
      return;
    }
    EXPECT_EQ(outcome.status, 1) << outcome.errors;
    if (!can_speak && outcome.errors.empty()) return;
    EXPECT_EQ(std::ranges::count(outcome.errors, '\n'), 1) << outcome.errors;
    EXPECT_THAT(outcome.errors, testing::AnyOf(testing::StartsWith("hyperconv: " + folder_name()),
                                               "hyperconv: out of memory\n",
                                               testing::StartsWith("hyperconv: standard output")));
  }

  std::string folder_name() const { return folder_.path().string(); }

  TemporaryFolder folder_;
  const fs::path outputs_ = folder_ / "outputs";
  const fs::path output_ = outputs_ / (std::string("o") + GetParam().output);
  std::vector<uint8_t> picture_;
};

TEST_P(Faults, OneIsAllOrNothing) {
  int tried = 0;
  for (int call = 1;; call = next_call(call, 1.0 / 6)) {
    SCOPED_TRACE(fmt::format("call {}", call));
    const Tried tried_one = with_fault(call, false);
    if (!tried_one.failed) break;
    ++tried;
    expect_all_or_nothing(tried_one.outcome, true);
  }
  EXPECT_GT(tried, 0) << "nothing has failed";
}

TEST_P(Faults, AllFromOneOnAreAllOrNothing) {
  for (int call = 1;; call = 2 * call) {
    SCOPED_TRACE(fmt::format("from call {} on", call));
    const Tried tried_one = with_fault(call, true);
    if (!tried_one.failed) break;
    expect_all_or_nothing(tried_one.outcome, std::string(GetParam().kind) != "write");
  }
}

std::vector<Shortage> shortages() {
  std::vector<Shortage> all;
  for (const char* kind : {"memory", "open", "write", "sync", "rename", "map", "thread"})
    for (const char* output : {".jpg", ".png", ".tif", ".dng"}) all.push_back({kind, output});
  return all;
}

std::string name_of(const testing::TestParamInfo<Shortage>& info) {
  return std::string(info.param.kind) + "_" + (info.param.output + 1);
}

INSTANTIATE_TEST_SUITE_P(Kinds, Faults, testing::ValuesIn(shortages()), name_of);

}  // namespace
}  // namespace hyperconv
