#include "scoring/evaluate_pairs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/testing.hpp"
#include "data/data_testing.hpp"
#include "metrics/metrics.hpp"
#include "network/zoo.hpp"
#include "pipeline/denoise.hpp"
#include "scoring/named_pairs.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;

void put_pairs(const std::filesystem::path& part, int count, int width, int height) {
  for (int i = 0; i < count; ++i) {
    put_picture(part / "huawei_raw" / (std::to_string(i) + ".png"),
                random_mosaic(width, height, i));
    put_picture(part / "canon" / (std::to_string(i) + ".jpg"),
                random_photo(width, height, 1000 + i));
  }
}

std::shared_ptr<const Model> model_of(const Graph& graph, Task task) {
  return std::make_shared<const Model>(untrained(graph, {.task = task, .name = "tiny"}, 2));
}

const std::shared_ptr<const Model> isp = model_of(plain_unet({4}), Task::isp);

TEST(EvaluatePairs, ScoresWhatTheEngineMakesOfThem) {
  const TemporaryFolder folder;
  put_pairs(folder / "test", 3, 40, 32);
  const PairSet set = find_pairs(folder.path(), Split::test);
  const PairEvaluation evaluation = evaluate_pairs(isp, set, {});
  ASSERT_EQ(evaluation.scores.size(), 3u);
  Engine engine(isp);
  Tensor output;
  const TensorPair pair = set.read(1);
  engine.run(pair.input, output);
  double squares = 0;
  for (size_t i = 0; i < output.size(); ++i)
    squares += std::pow(std::clamp(output.data()[i], 0.0f, 1.0f) - pair.target.data()[i], 2);
  const PairScore& score = evaluation.scores[1];
  EXPECT_EQ(score.name, "1");
  EXPECT_NEAR(score.psnr, -10 * std::log10(squares / double(output.size())), 1e-4);
  EXPECT_NEAR(score.psnr_8bit, score.psnr, 0.1);
  EXPECT_NE(score.psnr_8bit, score.psnr);
  EXPECT_FALSE(score.ms_ssim);
  // The network is untrained: a map of its colours, even to one grey, is better by far.
  const Image picture = float_image(output), target = float_image(pair.target);
  EXPECT_DOUBLE_EQ(score.psnr_affine.value(), psnr_affine(picture, target));
  EXPECT_GT(score.psnr_affine.value(), score.psnr + 1);
}

TEST(EvaluatePairs, SizesThatTheNetworkDoesNotTakeAreMirrored) {
  const TemporaryFolder folder;
  put_pairs(folder / "test", 1, 46, 38);
  const PairEvaluation evaluation =
      evaluate_pairs(isp, find_pairs(folder.path(), Split::test), {.save = folder.path()});
  EXPECT_EQ(evaluation.scores.at(0).width, 46);
  const Image saved = read_image(folder / "0.png");
  EXPECT_EQ(saved.width, 46);
  EXPECT_EQ(saved.height, 38);
}

TEST(EvaluatePairs, PatchesChangeWhatANetworkWithStatisticsSees) {
  const TemporaryFolder folder;
  put_pairs(folder / "test", 1, 72, 48);
  const PairSet set = find_pairs(folder.path(), Split::test);
  const auto hyper = model_of(
      hyper_unet({.width = 4, .hidden = 4, .conditioning = Conditioning::layer}), Task::isp);
  const double whole = evaluate_pairs(hyper, set, {}).scores.at(0).psnr;
  const double patches = evaluate_pairs(hyper, set, {.patch = 24}).scores.at(0).psnr;
  EXPECT_NE(whole, patches);
  // One patch that holds the whole picture is the whole picture, mirrored beyond its edge.
  const double one = evaluate_pairs(isp, set, {.patch = 72}).scores.at(0).psnr;
  EXPECT_NEAR(one, evaluate_pairs(isp, set, {}).scores.at(0).psnr, 0.5);
  EXPECT_THAT(error_of([&] { evaluate_pairs(hyper, set, {.patch = 20}); }), HasSubstr("multiples"));
}

TEST(EvaluatePairs, CropsAreScoredOneByOne) {
  const TemporaryFolder folder;
  put_pairs(folder / "test", 2, 72, 50);
  const PairSet set = find_pairs(folder.path(), Split::test);
  const auto scores = evaluate_pairs(isp, set, {.crop = 24}).scores;
  ASSERT_EQ(scores.size(), 2u * 3 * 2);
  EXPECT_EQ(scores[0].name, "0/0,0");
  EXPECT_EQ(scores[5].name, "0/24,48");
  EXPECT_EQ(scores[11].name, "1/24,48");
  EXPECT_EQ(scores[11].index, 1);
  EXPECT_EQ(scores[11].width, 24);
  // A pair that holds nothing but that crop has the same score.
  const TensorPair pair = set.read(1);
  Tensor input({1, 4, 12, 12});
  for (int64_t c = 0; c < 4; ++c)
    for (int64_t y = 0; y < 12; ++y)
      std::copy_n(pair.input.row(0, c, 12 + y) + 24, 12, input.row(0, c, y));
  Engine engine(isp);
  Tensor output;
  engine.run(input, output);
  double squares = 0;
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t y = 0; y < 24; ++y)
      for (int64_t x = 0; x < 24; ++x)
        squares += std::pow(
            std::clamp(output.at(0, c, y, x), 0.0f, 1.0f) - pair.target.at(0, c, 24 + y, 48 + x),
            2);
  EXPECT_NEAR(scores[11].psnr, -10 * std::log10(squares / double(output.size())), 1e-4);
  EXPECT_THAT(error_of([&] { evaluate_pairs(isp, set, {.crop = 25}); }), HasSubstr("even"));
  EXPECT_THAT(error_of([&] { evaluate_pairs(isp, set, {.crop = 64}); }), HasSubstr("72x50"));
}

TEST(EvaluatePairs, SharesAddUpToTheWhole) {
  const TemporaryFolder folder;
  put_pairs(folder / "test", 5, 24, 24);
  const PairSet set = find_pairs(folder.path(), Split::test);
  const auto whole = evaluate_pairs(isp, set, {}).scores;
  size_t found = 0;
  for (int64_t index = 0; index < 2; ++index)
    for (const PairScore& score : evaluate_pairs(isp, set, {.shard = {index, 2}}).scores) {
      ++found;
      EXPECT_EQ(score.psnr, whole[size_t(std::stoi(score.name))].psnr);
    }
  EXPECT_EQ(found, 5u);
  EXPECT_EQ(evaluate_pairs(isp, set, {.limit = 2}).scores.size(), 2u);
}

// A denoiser whose weights are all zero adds nothing: the noisy photo itself is scored.
TEST(EvaluatePairs, ADenoisersOutputIsAddedToThePhoto) {
  const TemporaryFolder folder;
  put_picture(folder / "noisy/a.png", random_photo(29, 31, 1));
  put_picture(folder / "clean/a.png", random_photo(29, 31, 2));
  const Graph graph = vdn_denoiser(2);
  std::map<std::string, std::vector<float>> weights;
  for (const Parameter& p : parameters(graph)) weights[p.name].resize(size_t(p.count()));
  const auto model =
      std::make_shared<const Model>(Model(graph, {.task = Task::denoise}, std::move(weights)));
  const auto scores = evaluate_pairs(model, find_pairs(folder.path()), {}).scores;
  EXPECT_NEAR(scores.at(0).psnr, psnr(random_photo(29, 31, 1), random_photo(29, 31, 2)), 1e-4);
  // The input's own scores stand beside.
  EXPECT_EQ(scores[0].input_psnr, scores[0].psnr);
  EXPECT_EQ(scores[0].input_ssim, scores[0].ssim);
  EXPECT_FALSE(scores[0].psnr_affine);  // of mosaics alone
  EXPECT_THAT(error_of([&] { evaluate_pairs(isp, find_pairs(folder.path()), {}); }),
              HasSubstr("denoise"));
}

TEST(EvaluatePairs, ANoiseLimitScoresWhatEnhanceMakes) {
  const TemporaryFolder folder;
  const Image noisy = random_photo(45, 40, 1), clean = random_photo(45, 40, 2);
  put_picture(folder / "noisy/a.png", noisy);
  put_picture(folder / "clean/a.png", clean);
  const PairSet set = find_pairs(folder.path());
  const auto model = model_of(small_denoiser({.width = 4, .hidden = 3}), Task::denoise);
  const auto of_limit = [&](double limit) {
    return evaluate_pairs(model, set, {.noise_limit = limit}).scores.at(0);
  };
  Image as_float = noisy;
  as_float.samples = to_float(noisy);
  Image enhanced =
      Denoiser(model, {.engine = {}, .memory = {}, .noise_limit = 0.5}).picture(as_float);
  for (float& sample : std::get<std::vector<float>>(enhanced.samples))
    sample = std::clamp(sample, 0.0f, 1.0f);
  Image target = clean;
  target.samples = to_float(clean);
  EXPECT_DOUBLE_EQ(of_limit(0.5).psnr, psnr(enhanced, target));
  EXPECT_NE(of_limit(0.5).psnr, of_limit(0).psnr);
  EXPECT_EQ(of_limit(0.5).input_psnr, of_limit(0).input_psnr);
  EXPECT_THAT(error_of([&] { evaluate_pairs(model, set, {.patch = 8, .noise_limit = 1}); }),
              HasSubstr("whole photos"));
  put_pairs(folder / "isp/test", 1, 40, 32);
  EXPECT_THAT(error_of([&] {
                evaluate_pairs(isp, find_pairs(folder / "isp", Split::test), {.noise_limit = 1});
              }),
              HasSubstr("for 'denoise'"));
}

std::shared_ptr<const Model> idle_denoiser() {
  const Graph graph = small_denoiser({.width = 2, .hidden = 0});
  std::map<std::string, std::vector<float>> weights;
  for (const Parameter& p : parameters(graph)) weights[p.name].resize(size_t(p.count()));
  return std::make_shared<const Model>(
      Model(graph, {.task = Task::denoise, .name = "idle"}, std::move(weights)));
}

TEST(EvaluateNoisyPhotos, AddsTheNoiseThatIsAskedFor) {
  const TemporaryFolder folder;
  // Grey in the middle of the range: next to nothing is cut by [0,1].
  for (const char* name : {"a.png", "b.png"})
    put_picture(folder / name, Image{70, 50, 3, std::vector<uint8_t>(70 * 50 * 3, 128), {}});
  put_text(folder / "c.png", "broken");
  put_picture(folder / "d.png", random_photo(15, 40, 1));
  const auto evaluation = evaluate_noisy_photos(idle_denoiser(), folder.path(),
                                                synthetic_noise_from_string("15"), 1, {});
  ASSERT_EQ(evaluation.scores.size(), 2u);
  EXPECT_EQ(evaluation.skipped.size(), 2u);
  EXPECT_EQ(evaluation.scores[1].name, "b.png");
  EXPECT_EQ(evaluation.scores[0].width, 64);
  EXPECT_EQ(evaluation.scores[0].height, 48);
  // It adds nothing, and what is left is the noise.
  EXPECT_NEAR(evaluation.scores[0].psnr, 20 * std::log10(255.0 / 15), 0.2);
  EXPECT_EQ(evaluation.scores[0].input_psnr, evaluation.scores[0].psnr);
  EXPECT_NE(evaluation.scores[0].psnr, evaluation.scores[1].psnr);
  const auto none = evaluate_noisy_photos(idle_denoiser(), folder.path(),
                                          synthetic_noise_from_string("0"), 1, {});
  EXPECT_TRUE(std::isinf(none.scores[0].psnr));
  const auto stronger = evaluate_noisy_photos(idle_denoiser(), folder.path(),
                                              synthetic_noise_from_string("case2"), 1, {});
  EXPECT_LT(stronger.scores[0].psnr, evaluation.scores[0].psnr - 5);
  EXPECT_THAT(error_of([&] { evaluate_noisy_photos(isp, folder.path(), {}, 1, {}); }),
              HasSubstr("for 'denoise'"));
}

TEST(MeanScore, KnowsItsInterval) {
  std::vector<PairScore> scores(4);
  for (size_t i = 0; i < 4; ++i) scores[i].psnr = 20 + double(i);
  const MeanScore mean = mean_score(scores, score_columns()[0]).value();
  EXPECT_DOUBLE_EQ(mean.mean, 21.5);
  // Deviation sqrt(5/3), over sqrt(4).
  EXPECT_NEAR(mean.interval, 1.96 * std::sqrt(5.0 / 3) / 2, 1e-12);
  EXPECT_FALSE(mean_score(scores, score_columns()[4]));
  EXPECT_FALSE(mean_score({}, score_columns()[0]));
}

TEST(Scores, SurviveTheirTable) {
  const TemporaryFolder folder;
  std::vector<PairScore> scores(2);
  scores[0] = {3, "a/1", 8, 6, 20.125, 20.1, 0.5, 0.6, 0.75, 0.8, 15.5, 15.4, 0.3, 0.4, 22.5};
  scores[1] = {4, "b,c", 8, 6, 1.0 / 3, 20.1, 0.5, 0.6, {}, {}, {}, {}, {}, {}, {}};
  write_file(folder / "s.csv", scores_to_csv(scores));
  const auto read = scores_from_csv(folder / "s.csv");
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[0].name, "a/1");
  EXPECT_EQ(read[0].ms_ssim, 0.75);
  EXPECT_EQ(read[0].input_psnr, 15.5);
  EXPECT_EQ(read[0].input_ssim_volume, 0.4);
  EXPECT_EQ(read[0].psnr_affine, 22.5);
  EXPECT_FALSE(read[1].input_psnr);
  EXPECT_FALSE(read[1].psnr_affine);
  EXPECT_EQ(read[1].psnr, 1.0 / 3);
  EXPECT_EQ(read[1].name, "b_c");
  EXPECT_EQ(read[1].index, 4);
  EXPECT_FALSE(read[1].ms_ssim);
  write_file(folder / "s.csv", scores_to_csv(scores) + "c,1,2\n");
  EXPECT_THAT(error_of([&] { scores_from_csv(folder / "s.csv"); }), HasSubstr("line 4"));
  write_file(folder / "s.csv", std::string("x,y\n"));
  EXPECT_THROW(scores_from_csv(folder / "s.csv"), Error);
}

TEST(Scores, SharesBecomeOneTableOnceAllAreThere) {
  const TemporaryFolder folder;
  const auto csv = folder / "s.csv";
  std::vector<PairScore> even(2), odd(1);
  even[0].index = 0;
  even[1].index = 2;
  odd[0].index = 1;
  std::filesystem::path missing;
  write_part(csv, {0, 2}, "model on data", even);
  EXPECT_FALSE(merge_parts(csv, 2, missing));
  EXPECT_EQ(missing, part_path(csv, {1, 2}));
  write_part(csv, {1, 2}, "another model on data", odd);
  EXPECT_THAT(error_of([&] { merge_parts(csv, 2, missing); }), HasSubstr("earlier run"));
  write_part(csv, {1, 2}, "model on data", odd);
  const auto merged = merge_parts(csv, 2, missing).value();
  ASSERT_EQ(merged.size(), 3u);
  for (int64_t i = 0; i < 3; ++i) EXPECT_EQ(merged[size_t(i)].index, i);
  EXPECT_EQ(scores_from_csv(csv).size(), 3u);
  EXPECT_FALSE(std::filesystem::exists(part_path(csv, {0, 2})));
}

}  // namespace
}  // namespace hyperconv
