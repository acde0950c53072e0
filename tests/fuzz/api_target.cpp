// The public API's arguments: sizes, strides, types, levels and matrices of all kinds, good and
// bad.
#include <cmath>
#include <limits>

#include "api/views.hpp"
#include "base/file.hpp"
#include "hyperconv/hyperconv.hpp"
#include "network/zoo.hpp"
#include "targets.hpp"
#include "tools/hash.hpp"

namespace hyperconv::fuzz {
namespace {

namespace fs = std::filesystem;

/// Draws arguments from a stranger's bytes.
class Arguments {
 public:
  explicit Arguments(const Bytes& bytes) : random_(hash_of(std::as_bytes(std::span(bytes)))) {}

  bool chance(int64_t of) { return random_.below(of) == 0; }
  int number(int usual) {
    // Sizes that are taken must have memory behind them: the last one is more than any may be.
    constexpr int odd[] = {-1, 0, 1, 2, 3, 7, std::numeric_limits<int>::max()};
    return chance(6) ? odd[random_.below(std::size(odd))] : 1 + int(random_.below(usual));
  }
  double level(double usual) {
    constexpr double odd[] = {0,
                              -1,
                              1e-300,
                              1e300,
                              std::numeric_limits<double>::infinity(),
                              std::numeric_limits<double>::quiet_NaN()};
    return chance(8) ? odd[random_.below(std::size(odd))] : usual * random_.uniform(0.1, 2);
  }
  SampleType type() { return SampleType(random_.below(3)); }
  Random& random() { return random_; }

 private:
  Random random_;
};

constexpr int largest = 96;  ///< side; memory for that many samples of any type is there

/// Memory that holds exactly what a view may touch, so that a sanitizer sees a byte too many.
struct Memory {
  Bytes bytes;
  void* at(size_t offset) { return bytes.data() + offset; }
};

/// Where width, height, channels and stride are of use, as much as they say; else a little.
Memory memory_for(int width, int height, int channels, std::ptrdiff_t stride, SampleType type,
                  Random& random) {
  const bool usable = width > 0 && width <= largest && height > 0 && height <= largest &&
                      channels > 0 && channels <= 4;
  const auto row = usable ? size_t(width) * size_t(channels) * size_t(bytes_of(type)) : 0;
  const size_t step = stride == 0 ? row : size_t(std::max<std::ptrdiff_t>(stride, 0));
  Memory memory;
  memory.bytes.resize(usable && step >= row ? step * size_t(height - 1) + row : 64);
  for (uint8_t& byte : memory.bytes) byte = uint8_t(random.bits());
  return memory;
}

class Calls {
 public:
  void make(const Bytes& bytes) {
    Arguments arguments(bytes);
    if (arguments.chance(2))
      develop(arguments);
    else
      denoise(arguments);
  }

 private:
  static std::ptrdiff_t stride(Arguments& a, int width, int channels, SampleType type) {
    if (!a.chance(3)) return 0;
    const auto row = std::ptrdiff_t(width) * channels * bytes_of(type);
    if (row < 0 || row > largest * 16) return row;
    return row + std::ptrdiff_t(a.random().below(9)) - 2;
  }

  static ProgressCallback callback(Arguments& a) {
    if (a.chance(2)) return {};
    const double end = a.random().uniform(0, 2);
    return [end](double done) { return done < end; };
  }

  void develop(Arguments& a) {
    MosaicView view{.width = a.number(largest), .height = a.number(largest), .type = a.type()};
    view.stride = stride(a, view.width, 1, view.type);
    Memory in = memory_for(view.width, view.height, 1, view.stride, view.type, a.random());
    view.data = a.chance(20) ? nullptr : in.at(0);
    view.cfa = Cfa(a.random().below(4));
    for (double& black : view.black) black = a.level(200);
    view.white = a.level(4000);
    for (double& gain : view.white_balance) gain = a.level(1.5);
    if (a.chance(2)) {
      view.xyz_to_camera.emplace();
      for (auto& row : *view.xyz_to_camera)
        for (double& value : row) value = a.level(1) - 0.5;
    }
    if (a.chance(2)) view.noise = NoiseProfile{a.level(1e-3), a.level(1e-5)};
    ImageBuffer out{.width = a.chance(8) ? a.number(largest) : view.width,
                    .height = a.chance(8) ? a.number(largest) : view.height,
                    .channels = a.chance(8) ? a.number(4) : 3,
                    .type = a.type()};
    out.stride = stride(a, out.width, out.channels, out.type);
    Memory result =
        memory_for(out.width, out.height, out.channels, out.stride, out.type, a.random());
    out.data = a.chance(20) ? nullptr : result.at(0);
    if (a.chance(3))
      develop_.camera_rgb(view, out, callback(a));
    else
      develop_.picture(view, out, callback(a));
  }

  void denoise(Arguments& a) {
    ImageView view{.width = a.number(largest),
                   .height = a.number(largest),
                   .channels = a.number(4),
                   .type = a.type()};
    view.stride = stride(a, view.width, view.channels, view.type);
    Memory in =
        memory_for(view.width, view.height, view.channels, view.stride, view.type, a.random());
    view.data = a.chance(20) ? nullptr : in.at(0);
    const Region part{.top = a.number(largest) - 1,
                      .left = a.number(largest) - 1,
                      .height = a.number(largest),
                      .width = a.number(largest)};
    const bool whole = a.chance(2);
    ImageBuffer out{.width = whole ? view.width : int(part.width),
                    .height = whole ? view.height : int(part.height),
                    .channels = a.chance(8) ? a.number(4) : view.channels,
                    .type = a.type()};
    out.stride = stride(a, out.width, out.channels, out.type);
    Memory result =
        memory_for(out.width, out.height, out.channels, out.stride, out.type, a.random());
    out.data = a.chance(20) ? nullptr : result.at(0);
    const DenoiseStrength strength{a.level(0.5), a.level(0.5)};
    if (whole)
      denoise_.picture(view, out, strength, callback(a));
    else
      denoise_.part(view, part, out, strength, callback(a));
  }

  static fs::path saved(const TemporaryFolder& folder, const Graph& graph, Task task) {
    const fs::path path = folder / (to_string(task) + ".safetensors");
    save_model(path, untrained(graph, {.task = task, .name = "tiny", .summary = "none"}, 1),
               Precision::f32);
    return path;
  }

  TemporaryFolder folder_;
  Develop develop_{
      saved(folder_, make_network("develop", {.width = 4, .hidden = 2}), Task::develop),
      {.threads = 1}};
  Denoise denoise_{saved(folder_, small_denoiser({.width = 4, .hidden = 2}), Task::denoise),
                   {.threads = 1}};
};

}  // namespace

Target api_target() {
  return {"api",
          "arguments of the library's functions",
          {Bytes{1, 2, 3, 4}},
          {},
          [](const Bytes& bytes) {
            static Calls calls;
            calls.make(bytes);
          },
          false};
}

}  // namespace hyperconv::fuzz
