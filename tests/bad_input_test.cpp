// Every command, with every kind of bad file it may be given and every place it cannot write to:
// one line, exit code 1, nothing half written, nothing lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <iterator>
#include <ostream>
#include <span>

#include "base/random.hpp"
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
using testing::StartsWith;
using Bytes = std::vector<uint8_t>;

/// A way to call the program. Of its arguments INPUT stands for the file that may be bad, GOOD for
/// another one of its kind that is not, MODEL for a model, and OUTPUT for the file to write.
struct Command {
  const char* name;
  std::vector<std::string> arguments;
  const char* input;   ///< kind of the input, by its ending: .png, .jpg, .tif, .dng, .safetensors
  const char* output;  ///< ending of the output; empty: there is none
  bool fills_folders = false;  ///< an output that is a folder is meant to be
};

// For the names of the tests in CTest.
void PrintTo(const Command& command, std::ostream* out) { *out << command.name; }

// A new command's cases are one entry here.
const std::vector<Command> commands = {
    {"CompareReference", {"compare", "INPUT", "GOOD"}, ".png", ""},
    {"CompareImage", {"compare", "GOOD", "INPUT", "--json"}, ".jpg", ""},
    {"SimulatePng", {"simulate", "INPUT", "-o", "OUTPUT"}, ".png", ".dng"},
    {"SimulateJpeg", {"simulate", "INPUT", "-o", "OUTPUT", "--json"}, ".jpg", ".png"},
    {"SimulateTiff", {"simulate", "INPUT", "-o", "OUTPUT"}, ".tif", ".dng"},
    {"Enhance", {"enhance", "INPUT", "-o", "OUTPUT", "--model", "MODEL"}, ".dng", ".png", true},
    {"EnhanceToDng",
     {"enhance", "INPUT", "-o", "OUTPUT", "--model", "MODEL", "--json"},
     ".dng",
     ".dng",
     true},
    {"Info", {"info", "INPUT"}, ".dng", ""},
    {"InfoOfModel", {"info", "INPUT"}, ".safetensors", ""},
    {"Export", {"export", "--model", "INPUT", "--onnx", "OUTPUT"}, ".safetensors", ".onnx"},
};

// ---- Files

void write_model(const fs::path& path) {
  save_model(path, untrained(hyper_unet({.width = 4, .hidden = 4}), {}, 1), Precision::f16);
}

void write_good_file(const fs::path& path) {
  if (path.extension() == ".safetensors") {
    write_model(path);
    return;
  }
  const Image scene = painted_scene(96, 64);
  if (path.extension() != ".dng") {
    write_image(path, scene);
    return;
  }
  const SimulatedCamera camera = standard_camera();
  Random random(1);
  write_dng(path, expose(scene_in_camera_colours(linear_srgb(scene), camera), camera, {}, random));
}

void put_big_endian(std::span<uint8_t> place, uint32_t value) {
  for (uint8_t& byte : place) {
    byte = uint8_t(value >> 24);
    value <<= 8;
  }
}

/// PNG: the size stands in the first chunk, with a checksum behind it.
void claim_huge_png(Bytes& file) {
  const std::span bytes(file);
  put_big_endian(bytes.subspan(16, 4), 0x7fffffff);
  put_big_endian(bytes.subspan(20, 4), 0x7fffffff);
  put_big_endian(bytes.subspan(29, 4), uint32_t(::crc32(0, file.data() + 12, 17)));
}

/// JPEG: in the start-of-frame marker, 16 bits each.
void claim_huge_jpeg(Bytes& file) {
  size_t at = 2;
  while (file.at(at + 1) != 0xc0 && file.at(at + 1) != 0xc2)
    at += 2 + size_t(file.at(at + 2) * 256 + file.at(at + 3));
  std::fill_n(file.begin() + ptrdiff_t(at) + 5, 4, uint8_t(0xff));
}

/// TIFF and DNG, little-endian: in the tags 256 and 257, made 32 bits wide.
void claim_huge_tiff(Bytes& file) {
  const auto number = [&file](size_t at, size_t size) {
    size_t value = 0;
    for (size_t i = size; i-- > 0;) value = value * 256 + file.at(at + i);
    return value;
  };
  const size_t directory = number(4, 4);
  for (size_t i = 0; i < number(directory, 2); ++i) {
    const size_t entry = directory + 2 + 12 * i;
    if (number(entry, 2) != 256 && number(entry, 2) != 257) continue;
    constexpr std::array<uint8_t, 10> a_billion = {4, 0, 1, 0, 0, 0, 0, 0, 0, 0x40};
    std::ranges::copy(a_billion, file.begin() + ptrdiff_t(entry) + 2);
  }
}

/// A model: the length of its header stands first, little-endian.
void claim_huge_model(Bytes& file) { std::fill_n(file.begin(), 8, uint8_t(0x7f)); }

void claim_huge_size(const fs::path& path) {
  Bytes file = read_file(path);
  if (path.extension() == ".png") claim_huge_png(file);
  if (path.extension() == ".jpg") claim_huge_jpeg(file);
  if (path.extension() == ".safetensors") claim_huge_model(file);
  if (path.extension() == ".tif" || path.extension() == ".dng") claim_huge_tiff(file);
  write_file(path, file);
}

// ---- Runs

/// Of all that this process has run so far.
long most_memory_of_programs_mib() {
  rusage usage{};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  return usage.ru_maxrss / 1024;  // Linux counts KiB
}

class BadInput : public testing::TestWithParam<Command> {
 protected:
  BadInput() {
    fs::create_directory(outputs_);
    write_good_file(good_);
    write_good_file(input_);
    write_model(model_);
  }

  Outcome run(const Circumstances& circumstances = {}) const {
    std::vector<std::string> arguments = GetParam().arguments;
    std::ranges::replace(arguments, std::string("INPUT"), input_.string());
    std::ranges::replace(arguments, std::string("GOOD"), good_.string());
    std::ranges::replace(arguments, std::string("MODEL"), model_.string());
    std::ranges::replace(arguments, std::string("OUTPUT"), output_.string());
    return run_program(arguments, circumstances);
  }

  /// One line that names the file, and no output: neither on stdout nor in a file.
  void expect_failure(const fs::path& named, const Circumstances& circumstances = {}) const {
    const Outcome outcome = run(circumstances);
    EXPECT_EQ(outcome.status, 1);
    EXPECT_EQ(outcome.output, "");
    EXPECT_THAT(outcome.errors, StartsWith("hyperconv: "));
    EXPECT_THAT(outcome.errors, HasSubstr(named.string()));
    EXPECT_EQ(std::ranges::count(outcome.errors, '\n'), 1) << outcome.errors;
    EXPECT_THAT(outcome.errors, testing::EndsWith("\n"));
  }

  std::vector<std::string> names_of_outputs() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(outputs_))
      names.push_back(entry.path().filename());
    return names;
  }

  void expect_bad_input_is_refused() const {
    expect_failure(input_);
    EXPECT_THAT(names_of_outputs(), testing::IsEmpty());
  }

  TemporaryFolder folder_;
  const fs::path outputs_ = folder_ / "outputs";
  const fs::path good_ = folder_ / (std::string("good") + GetParam().input);
  const fs::path input_ = folder_ / (std::string("input") + GetParam().input);
  const fs::path model_ = folder_ / "model.safetensors";
  fs::path output_ = outputs_ / (std::string("out") + GetParam().output);
};

TEST_P(BadInput, GoodFilesDoWork) {
  const Outcome outcome = run();
  EXPECT_EQ(outcome.status, 0) << outcome.errors;
  EXPECT_EQ(outcome.errors, "");
  EXPECT_EQ(names_of_outputs().size(), GetParam().output[0] == '\0' ? 0 : 1);
}

TEST_P(BadInput, CutOff) {
  const Bytes whole = read_file(input_);
  for (const size_t size : {whole.size() / 2, size_t(100), size_t(20), size_t(8), size_t(1)}) {
    SCOPED_TRACE(size);
    write_file(input_, std::span(whole).first(size));
    expect_bad_input_is_refused();
  }
}

TEST_P(BadInput, Empty) {
  write_file(input_, std::string());
  expect_bad_input_is_refused();
}

TEST_P(BadInput, Noise) {
  Random random(5);
  Bytes noise(5000);
  std::ranges::generate(noise, [&random] { return uint8_t(random.bits()); });
  write_file(input_, noise);
  expect_bad_input_is_refused();
}

TEST_P(BadInput, ClaimsAHugeSize) {
  claim_huge_size(input_);
  expect_bad_input_is_refused();
  EXPECT_LT(most_memory_of_programs_mib(), 1024) << "memory is asked for before sizes are checked";
}

TEST_P(BadInput, Missing) {
  fs::remove(input_);
  expect_bad_input_is_refused();
}

TEST_P(BadInput, AFolder) {
  fs::remove(input_);
  fs::create_directory(input_);
  expect_bad_input_is_refused();
}

TEST_P(BadInput, Unreadable) {
  if (::geteuid() == 0) GTEST_SKIP() << "root reads everything";
  fs::permissions(input_, fs::perms::none);
  expect_bad_input_is_refused();
}

TEST_P(BadInput, StandardOutputIsFull) {
  const Outcome outcome = run({"", "/dev/full"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.errors, StartsWith("hyperconv: standard output"));
  EXPECT_EQ(std::ranges::count(outcome.errors, '\n'), 1) << outcome.errors;
}

// ---- Where to write

class BadOutput : public BadInput {};

TEST_P(BadOutput, FolderIsMissing) {
  output_ = outputs_ / "none" / output_.filename();
  expect_failure(output_);
  EXPECT_THAT(names_of_outputs(), testing::IsEmpty());
}

TEST_P(BadOutput, IsAFolder) {
  if (GetParam().fills_folders) GTEST_SKIP() << "a folder is where its pictures go";
  fs::create_directory(output_);
  expect_failure(output_);
  EXPECT_TRUE(fs::is_empty(output_));
  EXPECT_THAT(names_of_outputs(), testing::ElementsAre(output_.filename()));
}

TEST_P(BadOutput, FolderIsNotWritable) {
  if (::geteuid() == 0) GTEST_SKIP() << "root writes everywhere";
  fs::permissions(outputs_, fs::perms::owner_read | fs::perms::owner_exec);
  expect_failure(output_);
  fs::permissions(outputs_, fs::perms::owner_all);
  EXPECT_THAT(names_of_outputs(), testing::IsEmpty());
}

// A limit on the size of files is as good as a full disk.
TEST_P(BadOutput, DiskIsFull) {
  expect_failure(output_, {"ulimit -f 1", ""});
  EXPECT_THAT(names_of_outputs(), testing::IsEmpty());
}

TEST_P(BadOutput, WhatWasThereStays) {
  write_file(output_, std::string("old"));
  expect_failure(output_, {"ulimit -f 1", ""});
  EXPECT_EQ(read_file(output_), (Bytes{'o', 'l', 'd'}));
  EXPECT_THAT(names_of_outputs(), testing::ElementsAre(output_.filename()));
}

std::vector<Command> commands_that_write() {
  std::vector<Command> result;
  std::ranges::copy_if(commands, std::back_inserter(result),
                       [](const Command& command) { return command.output[0] != '\0'; });
  return result;
}

std::string name_of(const testing::TestParamInfo<Command>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Commands, BadInput, testing::ValuesIn(commands), name_of);
INSTANTIATE_TEST_SUITE_P(Commands, BadOutput, testing::ValuesIn(commands_that_write()), name_of);

}  // namespace
}  // namespace hyperconv
