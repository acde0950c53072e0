// docs/denoise.md, command by command, on a tiny set in SIDD's layout.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "data/data_testing.hpp"
#include "documented.hpp"
#include "network/model.hpp"
#include "network/zoo.hpp"
#include "scenes.hpp"
#include "simulation/scene.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;

/// A recipe whose run takes a second: two steps, small batches, a narrow D-Net. All else is SIDD's.
std::string shortened(const std::string& recipe) {
  const bool is_hyper = recipe.find("network = \"vdn-hyper") != std::string::npos;
  return with_model_lines(
      with_values(recipe,
                  {{"steps", "2"}, {"patch", "32"}, {"batch", "2"}, {"checkpoint_every", "1"}}),
      std::string("width = 4\n") + (is_hyper ? "hidden = 2\n" : ""));
}

/// A MATLAB file of format 5, not compressed, with one array of uint8: as `save -v6` writes it.
class MatFile {
 public:
  MatFile(const std::string& variable, const std::array<int32_t, 5>& dims,
          const std::vector<uint8_t>& samples) {
    constexpr uint32_t int8 = 1, uint8 = 2, int32 = 5, uint32 = 6, matrix = 14, uint8_class = 9;
    bytes_.assign(124, ' ');
    put(uint16_t(0x0100));
    put(uint16_t('M' << 8 | 'I'));
    put(matrix);
    const size_t length_at = bytes_.size();
    put(uint32_t(0));
    element(uint32, std::array<uint32_t, 2>{uint8_class, 0});
    element(int32, dims);
    element(int8, variable);
    element(uint8, samples);
    const auto length = uint32_t(bytes_.size() - length_at - 4);
    std::memcpy(bytes_.data() + length_at, &length, 4);
  }
  const std::vector<uint8_t>& bytes() const { return bytes_; }

 private:
  template <class Value>
  void put(Value value) {
    const auto* first = reinterpret_cast<const uint8_t*>(&value);
    bytes_.insert(bytes_.end(), first, first + sizeof value);
  }
  template <class Values>
  void element(uint32_t type, const Values& values) {
    put(type);
    put(uint32_t(values.size() * sizeof values[0]));
    for (const auto value : values) put(value);
    while (bytes_.size() % 8 != 0) bytes_.push_back(0);
  }

  std::vector<uint8_t> bytes_;
};

/// Blocks [2,2,32,32,3] out of one scene; MATLAB stores the first index fastest.
void put_blocks(const fs::path& folder, const std::string& name, const Image& scene) {
  const auto& pixels = std::get<std::vector<uint8_t>>(scene.samples);
  std::vector<uint8_t> samples;
  for (size_t c = 0; c < 3; ++c)
    for (size_t x = 0; x < 32; ++x)
      for (size_t y = 0; y < 32; ++y)
        for (size_t block = 0; block < 2; ++block)
          for (size_t place = 0; place < 2; ++place)
            samples.push_back(
                pixels[((32 * place + y) * size_t(scene.width) + 32 * block + x) * 3 + c]);
  fs::create_directories(folder);
  write_file(folder / (name + ".mat"), MatFile(name, {2, 2, 32, 32, 3}, samples).bytes());
}

class DenoisePage : public testing::Test {
 protected:
  DenoisePage() {
    for (const char* name : {"recipes", "cleaned", "models"})
      fs::create_directories(folder_ / name);
    for (const auto& entry : fs::directory_iterator(fs::path(HYPERCONV_SOURCE_DIR) / "recipes"))
      write_file(folder_ / "recipes" / entry.path().filename(), shortened(text_of(entry.path())));
    const Image clean = to_u8(painted_scene(128, 128));
    for (const char* scene : {"0001_001_S6_00100_00060_3200_L", "0002_001_S6_00100_00020_3200_N"}) {
      const fs::path folder = folder_ / "data/sidd/Data" / scene;
      put_picture(folder / "NOISY_SRGB_010.PNG", noisy_scene(128, 128, scene[3]));
      put_picture(folder / "GT_SRGB_010.PNG", clean);
    }
    put_blocks(folder_ / "data/sidd-blocks", "ValidationNoisyBlocksSrgb", noisy_scene(128, 128, 5));
    put_blocks(folder_ / "data/sidd-blocks", "ValidationGtBlocksSrgb", clean);
    for (const char* name : {"a.png", "b.png"}) {
      put_picture(folder_ / "data/cbsd68" / name, clean);
      put_picture(folder_ / "photos" / name, noisy_scene(96, 96, 6));
    }
    put_picture(folder_ / "photo.jpg", noisy_scene(128, 128, 7));
    const ModelInfo info{.task = Task::denoise, .name = "tiny"};
    save_model(folder_ / "models/denoise.safetensors",
               untrained(small_denoiser({.width = 4, .hidden = 2}), info, 1), Precision::f16);
  }

  TemporaryFolder folder_;
};

TEST_F(DenoisePage, EveryCommandRuns) {
  const auto commands = documented_commands("denoise.md", "");
  ASSERT_THAT(commands, Contains("hyperconv train recipes/sidd-vdn.toml"));
  std::string printed;
  for (const std::string& command : commands) {
    const Outcome outcome = run_documented(folder_.path(), command,
                                           "HYPERCONV_MODELS=" + (folder_ / "models").string());
    EXPECT_EQ(outcome.status, 0) << command << "\n" << outcome.errors;
    printed += outcome.output;
  }
  EXPECT_THAT(printed, HasSubstr("of what was removed"));
  EXPECT_THAT(printed, HasSubstr("as the model's S-Net estimates it"));
  EXPECT_THAT(printed, HasSubstr("(sidd-blocks)"));
  EXPECT_THAT(printed, HasSubstr("(noise case2, seed 1)"));
  EXPECT_EQ(read_image(folder_ / "part.png").width, 64);
  EXPECT_TRUE(fs::exists(folder_ / "cleaned/b.png"));
  // Four blocks, each with its input's own scores.
  const std::string table = text_of(folder_ / "vdn.csv");
  EXPECT_EQ(std::ranges::count(table, '\n'), 6);
  EXPECT_THAT(table, HasSubstr("2/2"));
  EXPECT_THAT(table, HasSubstr("input_psnr_8bit"));
}

}  // namespace
}  // namespace hyperconv
