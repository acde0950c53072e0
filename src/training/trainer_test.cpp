#include "training/trainer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/file.hpp"
#include "base/interrupt.hpp"
#include "base/random.hpp"
#include "base/testing.hpp"
#include "data/data_testing.hpp"
#include "hyperconv/error.hpp"
#include "image/image.hpp"
#include "network/model.hpp"
#include "simulation/scene.hpp"
#include "training/checkpoint.hpp"
#include "training/simulated_patches.hpp"
#include "training/sources.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;

/// A folder with two painted photos and a recipe for a tiny network.
class TrainerTest : public testing::Test {
 protected:
  TrainerTest() {
    std::filesystem::create_directories(folder_ / "photos");
    write_image(folder_ / "photos/a.png", painted_scene(160, 120));
    write_image(folder_ / "photos/b.png", painted_scene(120, 200));
  }

  Recipe recipe(const std::string& extra = {}) {
    write_file(folder_ / "r.toml", R"([model]
network = "develop-16"
name = "tiny"
data_licence = "own"
width = 4
hidden = 4
[data]
photos = "photos"
patch = 32
batch = 4
[training]
steps = 12
warmup = 2
checkpoint_every = 4
log_every = 1
)" + extra);
    return read_recipe(folder_ / "r.toml");
  }

  TrainOptions options(const std::string& name, int64_t stop_after = 0) {
    return {.output = folder_ / name, .threads = 2, .stop_after = stop_after};
  }

  std::filesystem::path last_checkpoint(const std::string& run) {
    return Checkpoints(folder_ / run).files().at(0);
  }

  TemporaryFolder folder_;
};

TEST_F(TrainerTest, StoppedAndResumedEqualsUninterrupted) {
  const Recipe r = recipe();
  const TrainSummary whole = train(r, options("whole"));
  ASSERT_EQ(whole.step, 12);
  for (const int64_t stop : {5, 3, 0}) {
    const TrainSummary part = train(r, options("parts", stop));
    EXPECT_NO_THROW(Model::load(part.model));
  }
  EXPECT_EQ(read_file(last_checkpoint("whole")), read_file(last_checkpoint("parts")));
  EXPECT_EQ(read_file(folder_ / "whole/tiny.safetensors"),
            read_file(folder_ / "parts/tiny.safetensors"));
}

TEST_F(TrainerTest, LossFalls) {
  const TrainSummary start = train(recipe(), options("a", 1));
  Recipe longer = recipe("average_decay = 0.9\n");
  longer.training.steps = 150;
  longer.training.learning_rate = 3e-3;
  const TrainSummary end = train(longer, options("b"));
  EXPECT_LT(end.loss, 0.7 * start.loss);
}

TEST_F(TrainerTest, BeginsWithAnotherModelsWeights) {
  const TrainSummary first = train(recipe(), options("first"));
  Recipe second = recipe("loss = \"psnr\"\nlearning_rate = 1e-8\n");
  second.start = first.model;
  const TrainSummary end = train(second, options("second", 1));
  // One step of next to no length: the weights are the first model's, but for fp16.
  const auto before = Model::load(first.model).weight("last.weight").to_float();
  const auto after = Model::load(end.model).weight("last.weight").to_float();
  for (size_t i = 0; i < before.size(); ++i) ASSERT_NEAR(before[i], after[i], 1e-6);
  EXPECT_THAT(Model::load(end.model).info().summary, HasSubstr("begun with"));
  second.options.width = 5;
  EXPECT_THROW(train(second, options("third")), Error);
}

TEST_F(TrainerTest, TheModelKnowsTheRangeOfWhatItWasTold) {
  Recipe r = recipe();
  r.network = "develop";
  r.options = {};
  r.training.steps = 3;
  const TrainSummary end = train(r, options("told"));
  const SideRanges known = Model::load(end.model).info().side_ranges;
  const auto source = training_source(r);
  SideRanges seen;
  for (int64_t step = 0; step < 3; ++step) {
    const Batch batch = source->make(step * r.data.batch, r.data.batch);
    for (int64_t i = 0; i < batch.size(); ++i) {
      Tensor told({1, batch.noise.size(1), 1, 1});
      for (int64_t c = 0; c < batch.noise.size(1); ++c)
        told.data()[c] = batch.noise[i][c].item<float>();
      widen(seen, SideInputs{{"noise", told}});
    }
  }
  EXPECT_EQ(known, seen);
  EXPECT_LT(seen.at("noise").least[0], seen.at("noise").greatest[0]);
  // A training that begins with it has seen no less.
  Recipe second = r;
  second.start = end.model;
  second.training.steps = 1;
  second.training.seed = 99;
  const SideRange more =
      Model::load(train(second, options("more")).model).info().side_ranges.at("noise");
  for (size_t c = 0; c < more.least.size(); ++c) {
    EXPECT_LE(more.least[c], seen.at("noise").least[c]);
    EXPECT_GE(more.greatest[c], seen.at("noise").greatest[c]);
  }
}

TEST_F(TrainerTest, BeginsWithWhatTheRecipesNetworkBeginsWith) {
  Recipe r = recipe("learning_rate = 1e-8\n");
  put_picture(folder_ / "zrr/train/huawei_raw/0.png", random_mosaic(48, 40, 1));
  put_picture(folder_ / "zrr/train/canon/0.jpg", random_photo(48, 40, 2));
  r.data.source = PairData{.pairs = folder_ / "zrr"};
  r.network = "awnet";
  r.options = {.width = 8};
  r.training.seed = 5;
  const TrainSummary end = train(r, options("run", 1));
  // One step of next to no length: the weights are the first ones, but for fp16.
  const auto first =
      untrained_network("awnet", {.width = 8}, {}, 5).weight("first.bias").to_float();
  const auto after = Model::load(end.model).weight("first.bias").to_float();
  for (size_t i = 0; i < first.size(); ++i) ASSERT_NEAR(first[i], after[i], 1e-4);
  EXPECT_GT(*std::max_element(first.begin(), first.end()), 0.01f);
}

// Nothing that was learned is lost, though the samples of the next step cannot be read any more.
TEST_F(TrainerTest, InterruptedWhileItReadsItSavesWhatItHas) {
  Recipe r = recipe();
  put_picture(folder_ / "zrr/train/huawei_raw/0.png", random_mosaic(48, 40, 1));
  put_picture(folder_ / "zrr/train/canon/0.jpg", random_photo(48, 40, 2));
  r.data.source = PairData{.pairs = folder_ / "zrr"};
  r.network = "plain-0.6t";
  r.options = {.width = 4};
  r.training.steps = 4;
  train(r, options("run", 2));
  set_interrupted(true);
  const TrainSummary interrupted = train(r, options("run"));
  set_interrupted(false);
  EXPECT_TRUE(interrupted.interrupted);
  EXPECT_EQ(interrupted.step, 2);
  EXPECT_EQ(last_checkpoint("run").filename(), "checkpoint-000000002.safetensors");
  train(r, options("run"));
  train(r, options("whole"));
  EXPECT_EQ(read_file(last_checkpoint("whole")), read_file(last_checkpoint("run")));
}

// Not a reason to start afresh.
TEST_F(TrainerTest, ACheckpointThatCannotBeOpenedIsNoDamagedOne) {
  train(recipe(), options("run", 10));
  std::filesystem::remove(last_checkpoint("run"));
  std::filesystem::create_symlink("loop", folder_ / "run/loop");
  std::filesystem::create_symlink("loop", folder_ / "run/checkpoint-000000010.safetensors");
  EXPECT_THAT(error_of([&] { train(recipe(), options("run")); }),
              testing::AllOf(HasSubstr("checkpoint-000000010.safetensors: cannot be read"),
                             testing::Not(HasSubstr("--restart"))));
}

TEST_F(TrainerTest, ADamagedCheckpointGivesWayToTheOneBefore) {
  train(recipe(), options("whole"));
  train(recipe(), options("run", 10));  // checkpoints at 8 and 10
  ASSERT_EQ(Checkpoints(folder_ / "run").files().size(), 2u);
  auto bytes = read_file(last_checkpoint("run"));
  bytes[bytes.size() - 100] ^= 1;
  write_file(last_checkpoint("run"), bytes);
  testing::internal::CaptureStderr();
  train(recipe(), options("run"));
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              testing::AllOf(HasSubstr("checkpoint-000000010"), HasSubstr("checksum")));
  EXPECT_EQ(read_file(last_checkpoint("whole")), read_file(last_checkpoint("run")));
}

// Facts and names are as much of a checkpoint as its numbers.
TEST_F(TrainerTest, AFlippedBitOfTheHeaderGivesWayToTheCheckpointBefore) {
  train(recipe(), options("whole"));
  train(recipe(), options("run", 10));  // checkpoints at 8 and 10
  const auto path = last_checkpoint("run");
  const auto sound = read_file(path);
  const std::string text(sound.begin(), sound.end());
  for (const std::string field :
       {"\"step\":\"10", "best_psnr\":\"", "recipe\":\"[mod", "weight/", "F32", "shape\":["}) {
    const size_t place = text.find(field) + field.size() - 1;
    ASSERT_LT(place, sound.size()) << field;
    auto bytes = sound;
    bytes[place] ^= 1;
    write_file(path, bytes);
    std::filesystem::remove_all(folder_ / "copy");
    std::filesystem::copy(folder_ / "run", folder_ / "copy");
    testing::internal::CaptureStderr();
    train(recipe(), options("copy"));
    EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("the one before is taken"))
        << field;
    EXPECT_EQ(read_file(last_checkpoint("whole")), read_file(last_checkpoint("copy"))) << field;
  }
}

TEST_F(TrainerTest, NothingSoundOrAnotherRecipeIsRefused) {
  train(recipe(), options("run", 2));
  const auto message = [&](const Recipe& r) -> std::string {
    try {
      train(r, options("run"));
    } catch (const Error& error) {
      return error.what();
    }
    return "trained";
  };
  EXPECT_THAT(message(recipe("seed = 9\n")), HasSubstr("another recipe"));
  auto bytes = read_file(last_checkpoint("run"));
  bytes.resize(bytes.size() / 2);
  write_file(last_checkpoint("run"), bytes);
  EXPECT_THAT(message(recipe()),
              testing::AllOf(HasSubstr("checkpoint-000000002"), HasSubstr("--restart")));
  TrainOptions afresh = options("run", 1);
  afresh.restart = true;
  EXPECT_EQ(train(recipe(), afresh).step, 1);
}

// The same sums in another order: what is left is rounding, which Adam's first steps (of the size
// of the rate, whatever the gradient's) do not blow up for gradients that are not themselves
// rounding.
TEST_F(TrainerTest, AccumulatedPartsAreOneBatch) {
  const TrainSummary whole = train(recipe(), options("whole", 4));
  const TrainSummary parts = train(recipe("accumulate = 3\n"), options("parts", 4));
  const auto a = Model::load(whole.model).weight("last.weight").to_float();
  const auto b = Model::load(parts.model).weight("last.weight").to_float();
  for (size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 2e-4);
}

// bf16 holds eight bits: what a step loses averages out, and the loss is the same to a few per
// cent.
TEST_F(TrainerTest, HalfPrecisionTrainsToo) {
  Recipe full = recipe(), half = recipe("precision = \"bf16\"\n");
  full.training.steps = half.training.steps = 40;
  full.training.log_every = half.training.log_every = 20;
  const TrainSummary a = train(full, options("full")), b = train(half, options("half"));
  EXPECT_NEAR(b.loss, a.loss, 0.1 * a.loss);
  EXPECT_NE(b.loss, a.loss);
}

TEST_F(TrainerTest, KeepsTheBestModelOfItsValidations) {
  std::filesystem::create_directories(folder_ / "held");
  write_image(folder_ / "held/c.png", painted_scene(140, 130));
  Recipe r = recipe("validate_every = 4\nvalidation_samples = 3\n");
  std::get<SimulatedData>(r.data.source).validation = {folder_ / "held"};
  const TrainSummary end = train(r, options("run"));
  EXPECT_GT(end.validation_psnr, 1);
  EXPECT_NO_THROW(Model::load(end.best_model));
  const auto log = read_file(folder_ / "run/log.csv");
  const std::string table(log.begin(), log.end());
  EXPECT_EQ(std::ranges::count(table, '\n'), 13);
  // Steps 4, 8 and 12 have a last cell.
  size_t validated = 0;
  for (size_t at = table.find('\n'); at + 1 < table.size(); at = table.find('\n', at + 1))
    if (table[table.find('\n', at + 1) - 1] != ',') ++validated;
  EXPECT_EQ(validated, 3u);
}

TEST_F(TrainerTest, PatchMustSuitTheNetwork) {
  Recipe r = recipe();
  r.data.patch = 36;
  EXPECT_THROW(train(r, options("run")), Error);
}

TEST_F(TrainerTest, ADeviceThatIsNotThereIsNamed) {
  TrainOptions on_gpu = options("run");
  for (const char* device : {"tpu", "cuda:x", "cuda:99"}) {
    on_gpu.device = device;
    EXPECT_THROW(train(recipe(), on_gpu), Error) << device;
  }
}

TEST_F(TrainerTest, SamplesDependOnSeedAndNumberOnly) {
  const Recipe r = recipe();
  const auto& data = std::get<SimulatedData>(r.data.source);
  for (const Packing packing : {Packing::bayer, Packing::x_trans, Packing::three_colours}) {
    const int patch = packing == Packing::x_trans ? 48 : 32, cell = cell_side(packing);
    const SimulatedPatches source(data.photos, data, patch, 1, Domain::linear, packing);
    const Batch both = source.make(20, 8), second = source.make(24, 4);
    EXPECT_EQ(both.input.sizes(),
              (torch::IntArrayRef{8, cell_channels(packing), patch / cell, patch / cell}));
    EXPECT_TRUE(torch::equal(both.input.narrow(0, 4, 4), second.input));
    EXPECT_TRUE(torch::equal(both.camera_to_srgb.narrow(0, 4, 4), second.camera_to_srgb));
    EXPECT_FALSE(torch::equal(both.input.narrow(0, 0, 4), second.input));
  }
}

TEST_F(TrainerTest, AFolderWithoutPhotosIsNamed) {
  EXPECT_THROW(PhotoPool(folder_ / "none", 1, 32), Error);
  EXPECT_THROW(PhotoPool(folder_ / "photos", 2, 128), Error);
}

}  // namespace
}  // namespace hyperconv
