// Who takes part in rivals.hpp.
#include <fmt/format.h>

#include "base/file.hpp"
#include "network/cost.hpp"
#include "raw/mosaic_noise.hpp"
#include "simulation/demosaic.hpp"
#include "studies/rivals.hpp"
#include "tools/hash.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

double flops_a_sample(const Model& model) {
  constexpr int64_t side = 768;  // whole cells of either packing, on the deepest level too
  const int cell = cell_side(model.info().packing);
  const Cost cost =
      total_cost(model.graph(), {1, cell_channels(model.info().packing), side / cell, side / cell});
  return double(cost.flops) / double(side * side);
}

/// How a mosaic comes to three colours a pixel: camera RGB as bilinear_camera_rgb() gives it.
struct Interpolation {
  std::string name;
  std::function<Tensor(const Mosaic&)> camera_rgb;
};

std::vector<Interpolation> interpolations(const ColourFilters& filters, int threads) {
  std::vector<Interpolation> all;
  all.push_back({"bilinear", [=](const Mosaic& m) { return bilinear_camera_rgb(m, threads); }});
  for (const LibRawMethod method : libraw_methods(filters))
    all.push_back({"LibRaw " + to_string(method),
                   [=](const Mosaic& m) { return demosaic_with_libraw(m, method, threads); }});
  return all;
}

LinearFrame interpolated(const Mosaic& mosaic, const Interpolation& interpolation) {
  LinearFrame frame;
  frame.facts = mosaic;
  frame.facts.samples.clear();
  frame.light = interpolation.camera_rgb(mosaic);
  frame.demosaicked_from = mosaic.cfa;
  return frame;
}

class ContendingModel : public Contender {
 public:
  /// `before`: for models of three colours.
  ContendingModel(std::shared_ptr<const Model> model, std::string version, bool estimates_noise,
                  int threads, std::optional<Interpolation> before)
      : model_(std::move(model)),
        version_(std::move(version)),
        estimates_(estimates_noise),
        before_(std::move(before)),
        developer_(model_, {.engine = {.threads = threads}}) {}

  std::string name() const override {
    return model_->info().name + (before_ ? " behind " + before_->name : "") +
           (estimates_ ? ", noise estimated" : "");
  }
  std::string version() const override { return version_; }
  std::optional<double> flops() const override { return flops_a_sample(*model_); }
  Tensor camera_rgb(const Mosaic& mosaic) override {
    if (!estimates_) return developed(mosaic);
    Mosaic untold = mosaic;
    untold.noise = estimate_noise(mosaic).profile;
    return developed(untold);
  }

 private:
  Tensor developed(const Mosaic& mosaic) {
    return before_ ? developer_.camera_rgb(interpolated(mosaic, *before_))
                   : developer_.camera_rgb(mosaic);
  }

  std::shared_ptr<const Model> model_;
  std::string version_;
  bool estimates_;
  std::optional<Interpolation> before_;
  Developer developer_;
};

class ContendingLibRaw : public Contender {
 public:
  explicit ContendingLibRaw(LibRawMethod method) : method_(method) {}
  std::string name() const override { return "LibRaw " + to_string(method_); }
  std::string version() const override { return "LibRaw"; }
  Tensor camera_rgb(const Mosaic& mosaic) override { return demosaic_with_libraw(mosaic, method_); }

 private:
  LibRawMethod method_;
};

class ContendingRival : public Contender {
 public:
  ContendingRival(std::shared_ptr<PythonRivals> rivals, std::string method)
      : rivals_(std::move(rivals)), method_(std::move(method)) {}
  std::string name() const override { return method_; }
  std::string version() const override { return rivals_->version(method_); }
  std::optional<double> flops() const override { return rivals_->flops(method_); }
  bool takes_no_noise() const override {
    return !method_.starts_with("pmrid") && !method_.ends_with("cbm3d");
  }
  Tensor camera_rgb(const Mosaic& mosaic) override { return rivals_->camera_rgb(method_, mosaic); }

 private:
  std::shared_ptr<PythonRivals> rivals_;
  std::string method_;
};

}  // namespace

std::vector<std::unique_ptr<Contender>> contending_model(const fs::path& path, bool estimates_noise,
                                                         int threads,
                                                         const ColourFilters& filters) {
  const auto model = std::make_shared<const Model>(Model::load(path));
  const std::string version = to_hex(hash_of(MappedFile(path).bytes()));
  std::vector<std::unique_ptr<Contender>> contenders;
  const auto add = [&](std::optional<Interpolation> before) {
    contenders.push_back(std::make_unique<ContendingModel>(model, version, estimates_noise, threads,
                                                           std::move(before)));
  };
  if (model->info().packing != Packing::three_colours) {
    add(std::nullopt);
    return contenders;
  }
  for (Interpolation& before : interpolations(filters, threads)) add(std::move(before));
  return contenders;
}

std::unique_ptr<Contender> contending_libraw(LibRawMethod method) {
  return std::make_unique<ContendingLibRaw>(method);
}

std::vector<std::unique_ptr<Contender>> contending_python(const PythonHome& home) {
  const auto rivals = std::make_shared<PythonRivals>(home, PythonQuestions::mosaics);
  std::vector<std::unique_ptr<Contender>> contenders;
  for (const std::string& method : rivals->methods())
    contenders.push_back(std::make_unique<ContendingRival>(rivals, method));
  return contenders;
}

}  // namespace hyperconv
