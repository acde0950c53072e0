// Models, the version and RAW files.
#include "api/call.hpp"
#include "api/raw_file.hpp"
#include "base/fail.hpp"
#include "network/model.hpp"
#include "pipeline/input.hpp"
#include "pipeline/shipped.hpp"
#include "raw/mosaic.hpp"

namespace hyperconv {
namespace {

Task task_from_string(const std::string& name) {
  for (const Task task : {Task::develop, Task::denoise})
    if (to_string(task) == name) return task;
  fail("no model is shipped for the task '{}'; there are develop and denoise", name);
}

}  // namespace

std::string version() { return HYPERCONV_VERSION; }

std::filesystem::path shipped_model(const std::string& task) {
  std::filesystem::path path;
  translated([&] { path = shipped_model(task_from_string(task)); });
  return path;
}

std::shared_ptr<const Model> load(const std::filesystem::path& path, Task task) {
  const std::filesystem::path file = path.empty() ? shipped_model(task) : path;
  std::shared_ptr<const Model> model;
  reading([&] { model = std::make_shared<const Model>(Model::load(file)); });
  return model;
}

ModelFacts read_model_facts(const std::filesystem::path& path) {
  ModelFacts facts;
  translated([&] {
    reading([&] {
      const Model model = Model::load(path);
      const ModelInfo& info = model.info();
      facts = {to_string(info.task), info.name, info.summary, info.data_licence};
    });
  });
  return facts;
}

RawFile::RawFile(const std::filesystem::path& path) {
  translated(
      [&] { reading([&] { impl_ = std::make_unique<const Impl>(Impl{read_mosaic(path, {})}); }); });
}
RawFile::~RawFile() = default;
RawFile::RawFile(RawFile&&) noexcept = default;
RawFile& RawFile::operator=(RawFile&&) noexcept = default;

MosaicView RawFile::mosaic() const {
  const Mosaic& mosaic = impl_->mosaic;
  const Cfa* bayer = mosaic.cfa.bayer();
  const XTrans* x_trans = mosaic.cfa.x_trans();
  return {.data = mosaic.samples.data(),
          .width = mosaic.width,
          .height = mosaic.height,
          .stride = std::ptrdiff_t(mosaic.width) * std::ptrdiff_t(sizeof(uint16_t)),
          .type = SampleType::u16,
          .cfa = bayer != nullptr ? *bayer : Cfa::rggb,
          .x_trans = x_trans != nullptr ? std::optional(XTransPhase{x_trans->row, x_trans->column})
                                        : std::nullopt,
          .black = mosaic.black,
          .white = mosaic.white,
          .white_balance = mosaic.white_balance,
          .xyz_to_camera = mosaic.xyz_to_camera,
          .noise = mosaic.noise};
}
int RawFile::orientation() const { return impl_->mosaic.orientation; }
const Shot& RawFile::shot() const { return impl_->mosaic.shot; }
const std::vector<std::string>& RawFile::warnings() const { return impl_->mosaic.warnings; }

}  // namespace hyperconv
