// Who takes part in rivals.hpp.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "network/cost.hpp"
#include "raw/mosaic_noise.hpp"
#include "studies/rivals.hpp"
#include "tools/hash.hpp"
#include "tools/process.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

double flops_a_sample(const Model& model) {
  constexpr int64_t side = 1024;
  const Cost cost = total_cost(model.graph(), {1, 4, side / 2, side / 2});
  return double(cost.flops) / double(side * side);
}

class ContendingModel : public Contender {
 public:
  ContendingModel(const fs::path& path, bool estimates_noise, int threads)
      : model_(std::make_shared<const Model>(Model::load(path))),
        version_(to_hex(hash_of(MappedFile(path).bytes()))),
        estimates_(estimates_noise),
        developer_(model_, {.engine = {.threads = threads}}) {}

  std::string name() const override {
    return model_->info().name + (estimates_ ? ", noise estimated" : "");
  }
  std::string version() const override { return version_; }
  std::optional<double> flops() const override { return flops_a_sample(*model_); }
  Tensor camera_rgb(const Mosaic& mosaic) override {
    if (!estimates_) return developer_.camera_rgb(mosaic);
    Mosaic untold = mosaic;
    untold.noise = estimate_noise(mosaic).profile;
    return developer_.camera_rgb(untold);
  }

 private:
  std::shared_ptr<const Model> model_;
  std::string version_;
  bool estimates_;
  Developer developer_;
};

class ContendingLibRaw : public Contender {
 public:
  explicit ContendingLibRaw(LibRawMethod method) : method_(method) {}
  std::string name() const override {
    switch (method_) {
      case LibRawMethod::ahd:
        return "LibRaw AHD";
      case LibRawMethod::dht:
        return "LibRaw DHT";
    }
    return {};
  }
  std::string version() const override { return "LibRaw"; }
  Tensor camera_rgb(const Mosaic& mosaic) override { return demosaic_with_libraw(mosaic, method_); }

 private:
  LibRawMethod method_;
};

/// An answer as JSON; its "error" is thrown.
Json understood(const std::string& line) {
  Json json = Json::parse(line, nullptr, false);
  if (!json.is_object()) fail("develop_rival.py answered something that is no JSON object");
  if (json.contains("error")) fail("develop_rival.py: {}", json["error"].get<std::string>());
  return json;
}

/// The Python process, and the files through which pictures go.
class PythonRivals {
 public:
  explicit PythonRivals(const PythonHome& home)
      : folder_(home.folder), process_(start_of(home)), facts_(understood(process_.read_line())) {}

  const Json& facts() const { return facts_; }

  Tensor camera_rgb(const std::string& method, const Mosaic& mosaic) {
    if (mosaic.cfa != Cfa::rggb)
      fail("the rivals take RGGB mosaics, not {}", to_string(mosaic.cfa));
    const fs::path input = folder_ / "mosaic", output = folder_ / "picture";
    write_input(input, mosaic);
    const NoiseProfile noise = mosaic.noise.value_or(NoiseProfile{});
    const Json question = {{"method", method},          {"mosaic", input.string()},
                           {"height", mosaic.height},   {"width", mosaic.width},
                           {"shot", noise.shot},        {"read", noise.read},
                           {"output", output.string()}, {"gains", mosaic.white_balance}};
    understood(process_.ask(to_line(question)));
    Tensor picture({1, 3, mosaic.height, mosaic.width});
    const MappedFile file(output);
    if (file.bytes().size() != picture.size() * sizeof(float))
      fail("{}: its picture is not all there", method);
    std::ranges::copy(file.bytes(), reinterpret_cast<std::byte*>(picture.data()));
    return picture;
  }

 private:
  static ProcessStart start_of(const PythonHome& home) {
    ProcessStart start{.name = "develop_rival.py",
                       .arguments = {home.python.string(), home.script.string(), "--threads",
                                     std::to_string(home.threads)},
                       .messages = home.folder / "messages-of-rivals"};
    if (!home.pmrid.empty())
      start.arguments.insert(start.arguments.end(), {"--pmrid", home.pmrid.string()});
    start.environment.push_back(fmt::format("OMP_NUM_THREADS={}", home.threads));
    return start;
  }

  /// Black 0, saturation 1, before white balance.
  static void write_input(const fs::path& path, const Mosaic& mosaic) {
    const double black = mosaic.black[0], range = mosaic.white - black;
    std::vector<float> values(mosaic.samples.size());
    std::ranges::transform(mosaic.samples, values.begin(),
                           [&](uint16_t raw) { return float((raw - black) / range); });
    write_file(path, std::span(reinterpret_cast<const uint8_t*>(values.data()),
                               values.size() * sizeof(float)));
  }

  fs::path folder_;
  Process process_;
  Json facts_;
};

class ContendingRival : public Contender {
 public:
  ContendingRival(std::shared_ptr<PythonRivals> rivals, std::string method)
      : rivals_(std::move(rivals)), method_(std::move(method)) {}
  std::string name() const override { return method_; }
  std::string version() const override {
    return rivals_->facts().at("versions").at(method_).get<std::string>();
  }
  std::optional<double> flops() const override {
    const Json& flops = rivals_->facts().at("flops").at(method_);
    return flops.is_null() ? std::nullopt : std::optional(flops.get<double>());
  }
  bool takes_no_noise() const override {
    return !method_.starts_with("pmrid") && !method_.ends_with("cbm3d");
  }
  Tensor camera_rgb(const Mosaic& mosaic) override { return rivals_->camera_rgb(method_, mosaic); }

 private:
  std::shared_ptr<PythonRivals> rivals_;
  std::string method_;
};

}  // namespace

std::unique_ptr<Contender> contending_model(const fs::path& path, bool estimates_noise,
                                            int threads) {
  return std::make_unique<ContendingModel>(path, estimates_noise, threads);
}

std::unique_ptr<Contender> contending_libraw(LibRawMethod method) {
  return std::make_unique<ContendingLibRaw>(method);
}

std::vector<std::unique_ptr<Contender>> contending_python(const PythonHome& home) {
  const auto rivals = std::make_shared<PythonRivals>(home);
  std::vector<std::unique_ptr<Contender>> contenders;
  for (const auto& method : rivals->facts().at("versions").items())
    contenders.push_back(std::make_unique<ContendingRival>(rivals, method.key()));
  return contenders;
}

}  // namespace hyperconv
