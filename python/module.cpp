// hyperconv._hyperconv: the public C++ API for Python. Arrays are handed over as views, without a
// copy; python/hyperconv/__init__.py makes them so and holds what users see.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include "hyperconv/hyperconv.hpp"

namespace py = pybind11;

namespace hyperconv {
namespace {

const char* name_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::bad_argument:
      return "BadArgument";
    case ErrorCode::bad_file:
      return "BadFile";
    case ErrorCode::unsupported:
      return "Unsupported";
    case ErrorCode::out_of_memory:
      return "OutOfMemory";
    case ErrorCode::cancelled:
      return "Cancelled";
    case ErrorCode::io:
      return "FileError";
  }
  return "Error";
}

[[noreturn]] void refuse(const std::string& line) { throw Error(line); }

/// What it says is raised as the class of hyperconv._errors that belongs to its code.
void raise(std::exception_ptr thrown) {
  try {
    if (thrown) std::rethrow_exception(thrown);
  } catch (const Error& error) {
    const py::object type = py::module_::import("hyperconv._errors").attr(name_of(error.code()));
    PyErr_SetString(type.ptr(), error.what());
  }
}

SampleType type_of(const py::array& array) {
  const py::dtype type = array.dtype();
  const bool native = type.byteorder() == '=' || type.byteorder() == '|';
  if (native && type.kind() == 'u' && type.itemsize() == 1) return SampleType::u8;
  if (native && type.kind() == 'u' && type.itemsize() == 2) return SampleType::u16;
  if (native && type.kind() == 'f' && type.itemsize() == 4) return SampleType::f32;
  refuse("an array has the type " + std::string(py::str(py::handle(type))) +
         "; there are uint8, uint16 and float32");
}

/// Rows, columns and samples of a pixel of an array [H,W] or [H,W,C] whose rows have no gaps
/// within.
struct Extent {
  int height, width, channels;
};
Extent extent_of(const py::array& array, const char* what) {
  const auto dimensions = array.ndim();
  if (dimensions != 2 && dimensions != 3)
    refuse(std::string("the ") + what + " has " + std::to_string(dimensions) +
           " dimensions; [height, width] or [height, width, channels] is needed");
  for (py::ssize_t i = 0; i < dimensions; ++i)
    if (array.shape(i) > (1 << 30))
      refuse(std::string("the ") + what + " has a side of " + std::to_string(array.shape(i)));
  const int channels = dimensions == 3 ? int(array.shape(2)) : 1;
  const auto item = array.itemsize();
  // Of a side of one, numpy's stride may be anything.
  const bool is_dense =
      array.size() == 0 || ((array.shape(1) == 1 || array.strides(1) == item * channels) &&
                            (channels == 1 || array.strides(2) == item));
  if (!is_dense) refuse(std::string("the ") + what + " has gaps within its rows");
  return {int(array.shape(0)), int(array.shape(1)), channels};
}

/// Of one row, or none, numpy may say anything.
std::ptrdiff_t stride_of(const py::array& array) {
  return array.shape(0) > 1 ? std::ptrdiff_t(array.strides(0)) : 0;
}

ImageView view_of(const py::array& array) {
  const auto [height, width, channels] = extent_of(array, "image");
  return {array.data(), width, height, channels, stride_of(array), type_of(array)};
}

ImageBuffer buffer_of(py::array& array) {
  const auto [height, width, channels] = extent_of(array, "output");
  if (!array.writeable()) refuse("the output is a read-only array");
  return {array.mutable_data(), width, height, channels, stride_of(array), type_of(array)};
}

constexpr const char* x_trans = "x-trans";

Cfa cfa_from(const std::string& name) {
  if (name == "rggb") return Cfa::rggb;
  if (name == "bggr") return Cfa::bggr;
  if (name == "grbg") return Cfa::grbg;
  if (name == "gbrg") return Cfa::gbrg;
  refuse("\"" + name + "\" is no colour filter pattern; rggb, bggr, grbg, gbrg and x-trans are");
}

const char* name_of(Cfa cfa) {
  switch (cfa) {
    case Cfa::rggb:
      return "rggb";
    case Cfa::bggr:
      return "bggr";
    case Cfa::grbg:
      return "grbg";
    case Cfa::gbrg:
      return "gbrg";
  }
  return "";
}

/// The value of this name; `what` is said where there is none.
template <class Value>
Value named(const std::string& name, const char* what,
            std::initializer_list<std::pair<const char*, Value>> values) {
  std::string all;
  for (const auto& [known, value] : values) {
    if (name == known) return value;
    if (!all.empty()) all += ", ";
    all += known;
  }
  std::string line = "\"";
  line += name;
  line += "\" is no ";
  line += what;
  line += "; there are ";
  line += all;
  refuse(line);
}

WantedBalance balance_of(const std::string& kind, const std::array<double, 2>& numbers) {
  if (kind == "as-shot") return AsShot{};
  if (kind == "auto") return Automatic{};
  if (kind == "light") return LightColour{numbers[0], numbers[1]};
  // What is no place stays none as a whole number.
  const auto whole = [](double value) { return value >= 0 && value < 1e9 ? int(value) : -1; };
  return GreyPlace{whole(numbers[0]), whole(numbers[1])};
}

WantedSize size_of(const std::string& kind, const std::array<double, 2>& numbers) {
  const auto whole = [](double value) { return value >= 0 && value < 1e9 ? int(value) : -1; };
  if (kind == "side") return LongestSide{whole(numbers[0])};
  if (kind == "share") return ShareOfSize{numbers[0]};
  return WithinSize{whole(numbers[0]), whole(numbers[1])};
}

using Named = std::pair<std::string, std::array<double, 2>>;

PictureOptions picture_options_of(const std::array<double, 2>& strength, const Named& balance,
                                  double exposure, const std::string& highlights,
                                  const std::string& colour_space, const std::string& lens,
                                  const std::optional<std::array<int64_t, 4>>& part,
                                  const std::string& crop, const std::optional<int>& rotate,
                                  const std::optional<Named>& size) {
  PictureOptions options{
      .strength = {strength[0], strength[1]},
      .white_balance = balance_of(balance.first, balance.second),
      .exposure = exposure,
      .highlights = named<HighlightMode>(highlights, "way with highlights",
                                         {{"clip", HighlightMode::clip},
                                          {"blend", HighlightMode::blend},
                                          {"rebuild", HighlightMode::rebuild}}),
      .colour_space = named<OutputSpace>(colour_space, "colour space",
                                         {{"srgb", OutputSpace::srgb},
                                          {"display-p3", OutputSpace::display_p3},
                                          {"adobe-rgb", OutputSpace::adobe_rgb},
                                          {"prophoto", OutputSpace::prophoto},
                                          {"rec2020", OutputSpace::rec2020}}),
      .lens = lens,
      .crop = named<Crop>(crop, "crop", {{"active", Crop::active}, {"camera", Crop::camera}}),
      .rotate = rotate};
  if (part) options.part = {(*part)[1], (*part)[0], (*part)[3], (*part)[2]};
  if (size) options.size = size_of(size->first, size->second);
  return options;
}

struct Facts {
  std::string cfa;
  std::array<double, 4> black;
  double white;
  std::array<double, 3> white_balance;
  std::optional<Matrix3> xyz_to_camera;
  std::optional<std::array<double, 2>> noise;
  std::array<int, 2> x_trans_phase;
};

MosaicView mosaic_of(const py::array& array, const Facts& facts) {
  const auto [height, width, channels] = extent_of(array, "mosaic");
  if (array.ndim() != 2) refuse("the mosaic has 3 dimensions; [height, width] is needed");
  MosaicView view{.data = array.data(),
                  .width = width,
                  .height = height,
                  .stride = stride_of(array),
                  .type = type_of(array),
                  .cfa = facts.cfa == x_trans ? Cfa::rggb : cfa_from(facts.cfa),
                  .black = facts.black,
                  .white = facts.white,
                  .white_balance = facts.white_balance,
                  .xyz_to_camera = facts.xyz_to_camera,
                  .noise = {}};
  if (facts.cfa == x_trans) view.x_trans = {facts.x_trans_phase[0], facts.x_trans_phase[1]};
  if (facts.noise) view.noise = {(*facts.noise)[0], (*facts.noise)[1]};
  return view;
}

/// Asks Python for signals (a KeyboardInterrupt comes out of the call), then the user's function:
/// whatever it returns but False goes on.
ProgressCallback callback_of(const py::object& progress) {
  return [&progress](double done) {
    const py::gil_scoped_acquire acquired;
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    if (progress.is_none()) return true;
    return progress(done).ptr() != Py_False;
  };
}

/// Without the GIL, which the callback takes again.
template <class Work>
void unlocked(const py::object& progress, const Work& work) {
  const ProgressCallback callback = callback_of(progress);
  const py::gil_scoped_release released;
  work(callback);
}

Options options_of(int threads, const std::optional<int64_t>& memory, bool again = false) {
  return {threads, memory, again};
}

/// The samples, in an array that keeps the file's object alive. Nobody may change them.
py::array samples_of(const py::object& self) {
  const MosaicView view = self.cast<const RawFile&>().mosaic();
  py::array_t<uint16_t> samples({view.height, view.width}, static_cast<const uint16_t*>(view.data),
                                self);
  samples.attr("setflags")(py::arg("write") = false);
  return samples;
}

std::optional<std::array<double, 2>> noise_of(const RawFile& file) {
  const auto noise = file.mosaic().noise;
  if (!noise) return std::nullopt;
  return std::array{noise->shot, noise->read};
}

void add_raw_file(py::module_& module) {
  py::class_<RawFile>(module, "RawFile")
      .def(py::init([](const std::filesystem::path& path) {
             const py::gil_scoped_release released;
             return std::make_unique<RawFile>(path);
           }),
           py::arg("path"))
      .def_property_readonly("samples", &samples_of)
      .def_property_readonly(
          "cfa",
          [](const RawFile& f) { return f.mosaic().x_trans ? x_trans : name_of(f.mosaic().cfa); })
      .def_property_readonly("x_trans",
                             [](const RawFile& f) -> std::optional<std::array<int, 2>> {
                               const auto phase = f.mosaic().x_trans;
                               if (!phase) return std::nullopt;
                               return std::array{phase->row, phase->column};
                             })
      .def_property_readonly("black", [](const RawFile& f) { return f.mosaic().black; })
      .def_property_readonly("white", [](const RawFile& f) { return f.mosaic().white; })
      .def_property_readonly("white_balance",
                             [](const RawFile& f) { return f.mosaic().white_balance; })
      .def_property_readonly("xyz_to_camera",
                             [](const RawFile& f) { return f.mosaic().xyz_to_camera; })
      .def_property_readonly("noise", &noise_of)
      .def_property_readonly("orientation", &RawFile::orientation)
      .def_property_readonly("warnings", &RawFile::warnings)
      .def_property_readonly("make", [](const RawFile& f) { return f.shot().make; })
      .def_property_readonly("model", [](const RawFile& f) { return f.shot().model; })
      .def_property_readonly("lens", [](const RawFile& f) { return f.shot().lens; })
      .def_property_readonly("date_time", [](const RawFile& f) { return f.shot().date_time; })
      .def_property_readonly("iso", [](const RawFile& f) { return f.shot().iso; });
}

void add_develop(py::module_& module) {
  py::class_<Facts>(module, "Facts")
      .def(py::init<std::string, std::array<double, 4>, double, std::array<double, 3>,
                    std::optional<Matrix3>, std::optional<std::array<double, 2>>,
                    std::array<int, 2>>());
  py::class_<PictureOptions>(module, "PictureOptions").def(py::init(&picture_options_of));
  py::class_<Develop>(module, "Develop")
      .def(py::init([](const std::filesystem::path& model, int threads,
                       const std::optional<int64_t>& memory, bool again) {
             return std::make_unique<Develop>(model, options_of(threads, memory, again));
           }),
           py::arg("model"), py::arg("threads"), py::arg("memory"), py::arg("again") = false)
      .def("picture",
           [](Develop& self, const py::array& mosaic, const Facts& facts,
              const PictureOptions& options, py::array out, const py::object& progress) {
             const MosaicView view = mosaic_of(mosaic, facts);
             const ImageBuffer buffer = buffer_of(out);
             unlocked(progress,
                      [&](const auto& tell) { self.picture(view, buffer, options, tell); });
           })
      .def("picture",
           [](Develop& self, const RawFile& raw, const PictureOptions& options, py::array out,
              const py::object& progress) {
             const ImageBuffer buffer = buffer_of(out);
             unlocked(progress,
                      [&](const auto& tell) { self.picture(raw, buffer, options, tell); });
           })
      .def_static("picture_size",
                  [](const py::array& mosaic, const Facts& facts, const PictureOptions& options) {
                    const auto size = Develop::picture_size(mosaic_of(mosaic, facts), options);
                    return std::array{size.height, size.width};
                  })
      .def_static("picture_size",
                  [](const RawFile& raw, const PictureOptions& options) {
                    const auto size = Develop::picture_size(raw, options);
                    return std::array{size.height, size.width};
                  })
      .def("camera_rgb",
           [](Develop& self, const py::array& mosaic, const Facts& facts, py::array out,
              const py::object& progress) {
             const MosaicView view = mosaic_of(mosaic, facts);
             const ImageBuffer buffer = buffer_of(out);
             unlocked(progress, [&](const auto& tell) { self.camera_rgb(view, buffer, tell); });
           })
      .def("file",
           [](Develop& self, const std::filesystem::path& in, const std::filesystem::path& out,
              const PictureOptions& picture, int quality, const std::optional<int>& depth,
              bool strip_metadata, const py::object& progress) {
             const FileOptions options{picture, quality, depth, strip_metadata};
             unlocked(progress, [&](const auto& tell) { self.file(in, out, options, tell); });
           });
}

void add_denoise(py::module_& module) {
  py::class_<Denoise>(module, "Denoise")
      .def(py::init([](const std::filesystem::path& model, int threads,
                       const std::optional<int64_t>& memory) {
        return std::make_unique<Denoise>(model, options_of(threads, memory));
      }))
      .def("picture",
           [](Denoise& self, const py::array& image, py::array out, double luma, double colour,
              const py::object& progress) {
             const ImageView view = view_of(image);
             const ImageBuffer buffer = buffer_of(out);
             unlocked(progress, [&](const auto& tell) {
               self.picture(view, buffer, {luma, colour}, tell);
             });
           })
      .def("file", [](Denoise& self, const std::filesystem::path& in,
                      const std::filesystem::path& out, double luma, double colour,
                      const py::object& progress) {
        unlocked(progress, [&](const auto& tell) { self.file(in, out, {luma, colour}, tell); });
      });
}

}  // namespace
}  // namespace hyperconv

PYBIND11_MODULE(_hyperconv, module) {
  using namespace hyperconv;
  py::register_exception_translator(&raise);
  module.def("version", &version);
  module.def("shipped_model", [](const std::string& task) { return shipped_model(task); });
  module.def("model_facts", [](const std::filesystem::path& path) {
    const ModelFacts facts = read_model_facts(path);
    return py::dict(py::arg("task") = facts.task, py::arg("name") = facts.name,
                    py::arg("summary") = facts.summary,
                    py::arg("data_licence") = facts.data_licence);
  });
  add_raw_file(module);
  add_develop(module);
  add_denoise(module);
}
