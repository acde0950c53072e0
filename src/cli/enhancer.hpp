// One photo's way from file to file under `hyperconv enhance`.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cli/framing.hpp"
#include "cli/lens.hpp"
#include "cli/rendering.hpp"
#include "cli/report.hpp"
#include "pipeline/denoise.hpp"
#include "pipeline/develop.hpp"
#include "pipeline/input.hpp"

namespace hyperconv::cli {

/// How noise is removed, and how much of it.
struct NoiseRemovalArguments {
  std::optional<DenoiseStrength> strength;
  std::optional<double> noise_limit;  ///< of photos
  std::optional<Region> preview;
  std::string noise_map;  ///< file; empty: none
};

/// How a .dng is written.
struct DngArguments {
  bool mosaic = false;  ///< one colour a pixel, as the camera has it
  std::optional<DngCompression> compression;

  /// The names of the options that were given; empty: none.
  std::string named() const;
};

/// Which of a folder's RAW file and photo of one stem, as cameras write them, is taken.
enum class OfPairs { raw, photo, both };

struct EnhanceArguments {
  std::vector<std::string> inputs;
  std::string output, model, task, raw_size, strength, preview, noise_text;
  std::string ending = "jpg";
  std::string shard;
  std::string name;      ///< template of pictures' names in a folder; empty: the photo's stem
  std::string failures;  ///< file for the list of photos that failed; empty: none
  std::string cfa = "rggb";
  MosaicFormat format;
  std::optional<NoiseProfile> noise;  ///< of mosaics; nothing: what they say of themselves
  NoiseRemovalArguments removal;
  RenderingArguments rendering;
  FramingArguments framing;
  LensArguments lens;
  std::string report;  ///< folder; empty: none
  DngArguments dng;
  double white = 0, memory_gib = 0;
  WriteOptions write;
  EngineOptions engine;
  OfPairs of_pairs = OfPairs::raw;
  int at_once = 0;  ///< photos of a batch; 0: usual_at_once()
  bool overwrite = false, skip_existing = false, recursive = false, watch = false;
  bool describes_mosaic = false;  ///< a fact of mosaics without a header was named
  bool again = false;             ///< what was denoised before is denoised once more
  bool json = false;
};

struct Job {
  std::filesystem::path input, output;
};

/// What a DNG that was written says of itself.
struct WrittenDng {
  bool mosaic = false;
  DngCompression compression = DngCompression::none;
  std::optional<NoiseReduction> noise_reduction;
  std::optional<NoiseProfile> noise;
};

struct Outcome {
  Job job;
  Task task = Task::develop;
  std::string model;
  int width = 0, height = 0;
  double decode = 0, process = 0, encode = 0, total = 0;  ///< seconds
  std::optional<Precision> precision;                     ///< of the network that developed it
  DevelopTimes develop;                                   ///< the parts of `process`, of a mosaic
  std::optional<std::array<double, 3>> white_balance;     ///< of colours: multipliers, green's 1
  std::optional<Rendering> rendering;                     ///< of a picture of a camera file
  std::optional<Region> crop;                             ///< the camera's, which was taken
  std::optional<LensReport> lens;                         ///< what of it was corrected
  std::string rotate, resize;                             ///< as they were wanted; empty: not
  std::optional<KnownNoise> noise;                        ///< what a network was told of a mosaic
  std::optional<Grain> grain;                             ///< the same of a photo
  std::optional<WrittenDng> dng;                          ///< nothing: it is a picture
  DenoiseTimes denoise;                                   ///< the same of a photo
  std::string noise_map;                                  ///< file; empty: none
  std::shared_ptr<ReportPictures> pictures;               ///< where a report is wanted
  double before = 0;  ///< seconds that its picture before took, which no other figure has
  bool noise_estimated = false;  ///< by an S-Net; else it shows what was removed
};

bool is_dng(const std::filesystem::path& path);

/// Develops camera files and denoises photos. A model is loaded with the first file that it is for.
class Enhancer {
 public:
  /// Throws Error when the model that was named cannot be used.
  explicit Enhancer(const EnhanceArguments& arguments);

  /// Takes the warnings, a line each that names the photo; nothing: they are said on stderr.
  void on_warning(std::function<void(std::string)> callback) { warning_ = std::move(callback); }

  /// Called with the bytes that a photo is going to need, once it is decoded; what is returned goes
  /// when it is written.
  void on_memory(std::function<std::shared_ptr<void>(int64_t)> callback) {
    memory_ = std::move(callback);
  }

  /// What all files are taken for: by the model or the task that was named; nothing: by each file's
  /// content.
  std::optional<FileKind> kind() const { return kind_; }

  /// Nothing where the job's file is of another kind than all are to be.
  std::optional<Outcome> enhance(const Job& job, bool may_skip);

 private:
  struct Loaded {
    std::string path;
    std::shared_ptr<const Model> model;
  };

  void warn(const Job& job, const std::vector<std::string>& warnings) const;
  /// A model, and what runs it on frames of its packing.
  struct Developing {
    Loaded model;
    std::optional<Developer> developer;
  };

  Loaded load(Task task, Packing packing = Packing::bayer) const;
  /// Of the model that was named, else of the shipped one for this packing.
  Developing& developing(Packing packing);
  Denoiser& denoiser();
  std::optional<int64_t> memory() const;
  /// What on_memory() is asked for a photo of this size.
  std::shared_ptr<void> room_for(int64_t pixels) const;
  DenoiseOptions denoise_options() const;
  FileKind wanted_kind(const InputFile& file) const;
  Outcome develop(const Job& job, InputFile& file);
  /// Whether there is a model for frames of three colours or of brightness alone.
  bool develops_linear() const;
  void develop_frame(RawFrame& frame, Outcome& outcome);
  Image picture_of_frame(Developer& developer, const FrameView& frame, const LensCorrection* lens,
                         Outcome& outcome) const;
  bool wants_linear_floats() const { return arguments_.write.depth == 32; }
  void refuse_linear_floats(const Job& job, const char* why) const;
  /// What would have no effect on a DNG.
  void refuse_for_dng(const Job& job) const;
  /// What would have no effect on anything else.
  void refuse_dng_options(const Job& job) const;
  bool removes_noise() const;
  /// A photo whose noise was removed before is refused, unless it is wanted again.
  void refuse_twice(const Mosaic& facts, const Job& job) const;
  void refuse_rendering_of(const LinearFrame& frame, const Job& job) const;
  /// What means nothing for a frame without a mosaic, or without colours.
  void refuse_for_linear(const LinearFrame& frame, const Job& job) const;
  /// Without a model for such frames: as a picture, whose noise is removed as of a photo.
  void render_linear(LinearFrame& frame, Outcome& outcome);
  /// As the model for photos cleans it.
  Image without_noise(const Image& photo, const Region& part, Outcome& outcome);
  /// Writes a noise map that lies on a photo of this orientation, where one is wanted.
  void write_noise_map(Image map, int orientation, Outcome& outcome) const;
  /// Nothing where its lens is not to be corrected, or cannot be, which is said.
  std::unique_ptr<LensCorrection> lens_of(Mosaic& facts, Outcome& outcome);
  /// The part of a camera file that its picture shows; nothing: all of it.
  std::optional<Region> wanted_part(const Mosaic& facts, Outcome& outcome) const;
  /// The photo with its noise, where a report is wanted.
  void keep_before(const Image& picture, Outcome& outcome) const;
  /// Turned as it is to be seen and of the size that is wanted.
  Image framed(Image picture, bool is_photo, SampleMeaning meaning) const;
  Outcome denoise(const Job& job, InputFile& file);
  void write(Image picture, const Mosaic& facts, Outcome& outcome) const;
  /// Whether a frame's picture needs to be whole nowhere on its way to the file.
  bool is_written_by_rows(const FrameView& frame, const LensCorrection* lens, const Job& job) const;
  /// The picture, row by row as it is made; the times of that too.
  void write_rows(Developer& developer, const FrameView& frame, Outcome& outcome) const;
  void warn_of_opcodes(const Mosaic& facts, const Outcome& outcome) const;
  /// `facts` lose what is to be stripped.
  void write_dng_of(Mosaic facts, const Tensor& light, bool as_mosaic, Outcome& outcome) const;
  /// As the S-Net beside the model says; nothing where there is none.
  std::optional<Image> estimated_noise_map(const Image& photo, const Region& part) const;

  const EnhanceArguments& arguments_;
  std::function<void(std::string)> warning_;
  std::function<std::shared_ptr<void>(int64_t)> memory_;
  std::optional<Loaded> named_;
  std::optional<FileKind> kind_;
  std::map<Packing, Developing> developing_;
  Loaded denoises_;
  std::optional<Denoiser> denoiser_;
  LensFinder lenses_;
};

}  // namespace hyperconv::cli
