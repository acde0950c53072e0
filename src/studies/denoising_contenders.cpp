// Who takes part in denoisers.hpp.
#include <fmt/format.h>

#include <limits>

#include "base/file.hpp"
#include "network/cost.hpp"
#include "pipeline/denoise.hpp"
#include "scoring/named_pairs.hpp"
#include "studies/denoisers.hpp"
#include "tools/hash.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

class Untouched : public DenoisingContender {
 public:
  std::string name() const override { return "the photo as it is"; }
  std::string version() const override { return "1"; }
  Tensor picture(const Tensor& noisy, const TrueNoise&) override { return noisy; }
};

class DenoisingModel : public DenoisingContender {
 public:
  DenoisingModel(const fs::path& path, const ModelTerms& terms, int threads)
      : model_(std::make_shared<const Model>(Model::load(path))),
        version_(to_hex(hash_of(MappedFile(path).bytes()))),
        terms_(terms),
        options_{.engine = {.threads = threads}, .noise_limit = terms.noise_limit},
        denoiser_(model_, options_) {}

  std::string name() const override {
    std::string name = model_->info().name;
    if (terms_.is_told) name += ", told";
    if (terms_.noise_limit > 0) name += fmt::format(", noise limit {:g}", terms_.noise_limit);
    return name;
  }
  std::string version() const override { return version_; }
  std::optional<double> flops() const override {
    constexpr int64_t side = 1024;
    return double(total_cost(model_->graph(), {1, 3, side, side}).flops) / double(side * side);
  }
  Tensor picture(const Tensor& noisy, const TrueNoise& truth) override {
    constexpr float most = std::numeric_limits<float>::infinity();
    const Image photo = float_image(noisy, -most, most);
    if (!terms_.is_told) return planes_of(denoiser_.picture(photo));
    DenoiseOptions told = options_;
    told.grain = truth.grain;
    return planes_of(Denoiser(model_, told).picture(photo));
  }

 private:
  std::shared_ptr<const Model> model_;
  std::string version_;
  ModelTerms terms_;
  DenoiseOptions options_;
  Denoiser denoiser_;
};

class PythonDenoiser : public DenoisingContender {
 public:
  PythonDenoiser(std::shared_ptr<PythonRivals> rivals, std::string method, bool is_told)
      : rivals_(std::move(rivals)), method_(std::move(method)), is_told_(is_told) {}
  std::string name() const override { return is_told_ ? method_ + ", told" : method_; }
  std::string version() const override { return rivals_->version(method_); }
  std::optional<double> flops() const override { return rivals_->flops(method_); }
  Tensor picture(const Tensor& noisy, const TrueNoise& truth) override {
    return rivals_->denoised(method_, noisy,
                             is_told_ ? std::optional(truth.deviation) : std::nullopt);
  }

 private:
  std::shared_ptr<PythonRivals> rivals_;
  std::string method_;
  bool is_told_;
};

}  // namespace

std::unique_ptr<DenoisingContender> contending_input() { return std::make_unique<Untouched>(); }

std::unique_ptr<DenoisingContender> contending_denoiser(const fs::path& path,
                                                        const ModelTerms& terms, int threads) {
  return std::make_unique<DenoisingModel>(path, terms, threads);
}

std::vector<std::unique_ptr<DenoisingContender>> contending_denoisers_of_python(
    const PythonHome& home) {
  const auto rivals = std::make_shared<PythonRivals>(home, PythonQuestions::pictures);
  std::vector<std::unique_ptr<DenoisingContender>> contenders;
  for (const std::string& method : rivals->methods())
    for (const bool is_told : {false, true})
      contenders.push_back(std::make_unique<PythonDenoiser>(rivals, method, is_told));
  return contenders;
}

}  // namespace hyperconv
