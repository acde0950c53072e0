#include "data/simzrr.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "base/interrupt.hpp"
#include "base/json.hpp"
#include "base/progress.hpp"
#include "base/random.hpp"
#include "data/pairs.hpp"
#include "data/phone.hpp"
#include "data/window.hpp"
#include "image/folder.hpp"
#include "image/jpeg.hpp"
#include "image/png.hpp"
#include "raw/colour.hpp"
#include "simulation/dslr_rendering.hpp"
#include "simulation/simulator.hpp"
#include "tools/hash.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int jpeg_quality = 95;
constexpr const char* manifest_name = "simzrr.json";
/// Patches that one task makes: few enough to share a large photo among threads.
constexpr int64_t patches_a_task = 16;

void check(const SimzrrOptions& o) {
  if (o.patch < 32 || o.patch > 2048 || o.patch % 2 != 0)
    fail("a patch is an even number of samples from 32 to 2048, not {}", o.patch);
  if (o.train_patches < 0 || o.test_patches < 0 || o.train_patches + o.test_patches == 0)
    fail("{} train and {} test patches are no data set", o.train_patches, o.test_patches);
  if (!(o.test_share >= 0 && o.test_share < 1))
    fail("the share of test photos is from 0 to below 1, not {}", o.test_share);
  if (!(o.misalign >= 0 && o.misalign <= 32))
    fail("pictures are misaligned by 0 to 32 pixels, not {}", o.misalign);
  if (o.shrink < 1) fail("photos are shrunk by 1 or more, not {}", o.shrink);
}

Phone phone_of(SimzrrVersion version) {
  switch (version) {
    case SimzrrVersion::one:
      return kind_phone();
    case SimzrrVersion::two:
      return faulty_phone();
  }
  return {};
}

/// What the photo is rendered by to be the target.
DslrRendering rendering_of(SimzrrVersion version) {
  switch (version) {
    case SimzrrVersion::one:
      return {};
    case SimzrrVersion::two:
      return standard_dslr();
  }
  return {};
}

// ---- Random streams: each choice has its own, so that none depends on the others

enum class Stream : uint64_t { train = 1, test, split, train_order, test_order };

Random stream(uint64_t seed, Stream which, int64_t index = 0) {
  return Random(seed, (uint64_t(which) << 40) + uint64_t(index));
}

std::vector<int64_t> shuffled(int64_t count, Random random) {
  std::vector<int64_t> order(size_t(count), 0);
  std::iota(order.begin(), order.end(), 0);
  for (int64_t i = count - 1; i > 0; --i)
    std::swap(order[size_t(i)], order[size_t(random.below(i + 1))]);
  return order;
}

// ---- Photos

struct Photo {
  fs::path path;
  int width = 0, height = 0;
  uint64_t content = 0;  ///< hash of the file
};

/// 8-bit RGB, upright, shrunk.
Image read_source(const fs::path& path, int shrink) {
  const Image photo = upright(read_image(path));
  if (shrink > 1 || photo.channels != 3) {
    if (std::min(photo.width, photo.height) < shrink)
      fail("{}: is {}x{} pixels and cannot be shrunk by {}", path.string(), photo.width,
           photo.height, shrink);
    return to_u8(srgb_picture(linear_srgb(photo, shrink), identity3));
  }
  return to_u8(photo);
}

/// In the order of their names, whatever order and folder they were given in.
std::vector<Photo> photos_at(const std::vector<fs::path>& places) {
  std::vector<Photo> photos;
  for (const fs::path& place : places) {
    if (fs::is_directory(place))
      for (const fs::path& path : pictures_in(place)) photos.push_back({path});
    else
      photos.push_back({place});
  }
  std::ranges::sort(photos, {}, [](const Photo& photo) {
    return std::pair(photo.path.filename().string(), photo.path.string());
  });
  return photos;
}

/// Size and content of every photo.
void inspect(std::vector<Photo>& photos, int shrink, Threads& threads) {
  Progress progress("looking at photos", int64_t(photos.size()));
  std::mutex mutex;
  int64_t done = 0;
  threads.parallel_for(int64_t(photos.size()), [&](int64_t i) {
    throw_if_interrupted();
    Photo& photo = photos[size_t(i)];
    photo.content = hash_of(MappedFile(photo.path).bytes());
    const Image image = read_source(photo.path, shrink);
    photo.width = image.width;
    photo.height = image.height;
    const std::scoped_lock lock(mutex);
    progress.show(++done);
  });
}

void leave_out_small(std::vector<Photo>& photos, int patch, std::vector<std::string>& left_out) {
  std::erase_if(photos, [&](const Photo& photo) {
    if (2 * std::min(photo.width, photo.height) >= patch) return false;
    left_out.push_back(fmt::format("{}: is {}x{} pixels, less than half a patch of {}",
                                   photo.path.string(), photo.width, photo.height, patch));
    return true;
  });
}

/// The first of each content.
void leave_out_copies(std::vector<Photo>& photos) {
  std::map<uint64_t, bool> seen;
  std::erase_if(photos,
                [&](const Photo& photo) { return !seen.emplace(photo.content, true).second; });
}

void check_disjoint(const std::vector<Photo>& train, const std::vector<Photo>& test) {
  std::map<uint64_t, const Photo*> known;
  for (const Photo& photo : train) known[photo.content] = &photo;
  for (const Photo& photo : test)
    if (const auto same = known.find(photo.content); same != known.end())
      fail("{}: is the same photo as {}; train and test photos must not mix", photo.path.string(),
           same->second->path.string());
}

struct Photos {
  std::vector<Photo> train, test;
};

Photos split(std::vector<Photo> photos, const SimzrrOptions& options) {
  if (options.test_patches == 0) return {std::move(photos), {}};
  if (options.train_patches == 0) return {{}, std::move(photos)};
  if (photos.empty()) return {};
  if (photos.size() == 1)
    fail("one photo cannot be split into train and test; name more, or test photos");
  const auto count = int64_t(photos.size());
  const int64_t test =
      std::clamp<int64_t>(std::llround(options.test_share * double(count)), 1, count - 1);
  auto order = shuffled(count, stream(options.seed, Stream::split));
  std::sort(order.begin(), order.begin() + test);
  std::sort(order.begin() + test, order.end());
  Photos parts;
  for (int64_t i = 0; i < count; ++i)
    (i < test ? parts.test : parts.train).push_back(photos[size_t(order[size_t(i)])]);
  return parts;
}

Photos gather(const std::vector<fs::path>& photos, const std::vector<fs::path>& test_photos,
              const SimzrrOptions& options, Threads& threads, std::vector<std::string>& left_out) {
  const auto usable = [&](const std::vector<fs::path>& places) {
    auto found = photos_at(places);
    inspect(found, options.shrink, threads);
    leave_out_small(found, options.patch, left_out);
    leave_out_copies(found);
    return found;
  };
  Photos parts{usable(photos), usable(test_photos)};
  if (test_photos.empty()) parts = split(std::move(parts.train), options);
  check_disjoint(parts.train, parts.test);
  const auto check_part = [&](const std::vector<Photo>& part, int64_t patches, const char* name) {
    if (patches > 0 && part.empty())
      fail("there is no photo for the {} patches{}", name,
           left_out.empty() ? "" : " (" + left_out.front() + ")");
  };
  check_part(parts.train, options.train_patches, "train");
  check_part(parts.test, options.test_patches, "test");
  return parts;
}

// ---- Patches

/// One patch to be made.
struct SetPlan {
  int64_t index = 0;   ///< of its random stream
  int64_t number = 0;  ///< of its files
  size_t photo = 0;
  int top = 0, left = 0;
  PhoneShot shot;
  Random random;  ///< what is left of the stream: the noise
};

/// First row or column: inside the photo, or, where that is smaller, such that it is inside.
int random_start(int length, int side, Random& random) {
  const int room = length - side;
  return room >= 0 ? int(random.below(room + 1)) : -int(random.below(1 - room));
}

/// Stratified over the photos' area: patch i of n is somewhere in the i-th of n equal pieces, so
/// patches of one photo come one after the other and photos have their fair share.
std::vector<SetPlan> plan(const std::vector<Photo>& photos, int64_t patches, Split part,
                          const SimzrrOptions& options) {
  std::vector<double> ends;
  double area = 0;
  for (const Photo& photo : photos) ends.push_back(area += double(photo.width) * photo.height);
  const bool is_train = part == Split::train;
  const Phone phone = phone_of(options.version);
  const auto numbers =
      shuffled(patches, stream(options.seed, is_train ? Stream::train_order : Stream::test_order));
  std::vector<SetPlan> plans;
  for (int64_t i = 0; i < patches; ++i) {
    throw_if_interrupted();
    Random random = stream(options.seed, is_train ? Stream::train : Stream::test, i);
    const double place = (double(i) + random.uniform()) / double(patches) * area;
    const auto found = std::upper_bound(ends.begin(), ends.end(), place) - ends.begin();
    const size_t photo = std::min(size_t(found), photos.size() - 1);
    const int top = random_start(photos[photo].height, options.patch, random);
    const int left = random_start(photos[photo].width, options.patch, random);
    const PhoneShot shot = random_shot(phone, options.patch, options.misalign, random);
    plans.push_back({i, numbers[size_t(i)], photo, top, left, shot, random});
  }
  return plans;
}

Json facts(const PhoneShot& shot) {
  Json json = {{"exposure", shot.exposure},
               {"white_balance", {shot.red, 1, shot.blue}},
               {"iso", shot.iso},
               {"black", shot.black},
               {"frame", {shot.frame_x, shot.frame_y}}};
  const Misalignment& m = shot.misalignment;
  if (m != Misalignment{})
    json["misalignment"] = {{"shift", {m.shift_x, m.shift_y}}, {"turn", m.turn}, {"zoom", m.zoom}};
  return json;
}

/// What became of a plan.
struct Made {
  std::string line;  ///< of the manifest
  bool is_eight_bit = false, is_mirrored = false;
};

/// A photo, and what a better camera's picture of the scene is.
struct Source {
  Image photo, picture;
};

class Maker {
 public:
  Maker(PendingFolder& folder, Split part, const std::vector<Photo>& photos,
        const SimzrrOptions& options)
      : folder_(folder),
        part_(to_string(part)),
        photos_(photos),
        options_(options),
        phone_(phone_of(options.version)) {}

  Made make(const SetPlan& plan, const Source& source) const {
    const int side = options_.patch;
    const Image& photo = source.photo;
    Random random = plan.random;
    const Image mosaic = phone_mosaic(phone_, photo, plan.top, plan.left, side, plan.shot, random);
    const Image target = cut(source.picture, {plan.top, plan.left, side, {}});
    const std::string number = std::to_string(plan.number);
    const std::string raw = part_ + "/huawei_raw/" + number + ".png";
    const std::string canon = part_ + "/canon/" + number + ".jpg";
    folder_.write(raw, encode_png(raw, mosaic));
    folder_.write(canon, encode_jpeg(canon, target, jpeg_quality));
    const bool is_eight_bit = std::holds_alternative<std::vector<uint8_t>>(mosaic.samples);
    const bool is_mirrored = std::min(photo.width, photo.height) < side;
    Json line = {{"pair", part_ + "/" + number},
                 {"photo", photos_[plan.photo].path.filename().string()},
                 {"top", plan.top},
                 {"left", plan.left},
                 {"bits", is_eight_bit ? 8 : 16}};
    if (is_mirrored) line["mirrored"] = true;
    line.update(facts(plan.shot));
    return {to_line(line), is_eight_bit, is_mirrored};
  }

  Source source(size_t index) const {
    Image photo = read_source(photos_[index].path, options_.shrink);
    Image picture = dslr_rendered(photo, rendering_of(options_.version));
    return {std::move(photo), std::move(picture)};
  }

 private:
  PendingFolder& folder_;
  std::string part_;
  const std::vector<Photo>& photos_;
  const SimzrrOptions& options_;
  Phone phone_;
};

/// Ranges of plans that share a photo.
std::vector<std::pair<size_t, size_t>> tasks(const std::vector<SetPlan>& plans) {
  std::vector<std::pair<size_t, size_t>> result;
  for (size_t i = 0; i < plans.size(); ++i) {
    const bool is_new = result.empty() || plans[i].photo != plans[i - 1].photo ||
                        i - result.back().first == size_t(patches_a_task);
    if (is_new) result.emplace_back(i, i);
    result.back().second = i + 1;
  }
  return result;
}

SimzrrPart make_part(PendingFolder& folder, Split part, const std::vector<Photo>& photos,
                     int64_t patches, const SimzrrOptions& options, Threads& threads,
                     std::vector<std::string>& lines) {
  const auto plans = plan(photos, patches, part, options);
  const auto ranges = tasks(plans);
  const Maker maker(folder, part, photos, options);
  std::vector<Made> made(plans.size());
  Progress progress(to_string(part) + " patches", patches);
  std::mutex mutex;
  int64_t done = 0;
  threads.parallel_for(int64_t(ranges.size()), [&](int64_t task) {
    const auto [first, last] = ranges[size_t(task)];
    const Source source = maker.source(plans[first].photo);
    for (size_t i = first; i < last; ++i) {
      throw_if_interrupted();
      made[size_t(plans[i].number)] = maker.make(plans[i], source);
      const std::scoped_lock lock(mutex);
      progress.show(++done);
    }
  });
  SimzrrPart summary{0, patches, 0, 0};
  std::vector<bool> used(photos.size(), false);
  for (const SetPlan& p : plans) used[p.photo] = true;
  summary.photos = std::ranges::count(used, true);
  for (const Made& m : made) {
    summary.eight_bit += m.is_eight_bit;
    summary.mirrored += m.is_mirrored;
    lines.push_back(m.line);
  }
  return summary;
}

// ---- What is told of it

Json facts(const SimzrrPart& part) {
  return {{"patches", part.patches},
          {"photos", part.photos},
          {"eight_bit", part.eight_bit},
          {"mirrored", part.mirrored}};
}

/// Of all photos' files, in their order.
std::string content_of(const std::vector<Photo>& photos) {
  Hash all;
  for (const Photo& photo : photos) all.add(to_hex(photo.content));
  return to_hex(all.value());
}

/// What version 1 did not say.
void add_facts_of_version_two(const Photos& photos, Json& head) {
  const Phone phone = phone_of(SimzrrVersion::two);
  Json& said = head["phone"];
  said["noise"] = "median_line";
  said["vignetting"] = phone.vignetting;
  said["row_noise"] = phone.row_noise;
  said["black_error"] = phone.black_error;
  said["green_imbalance"] = phone.green_imbalance;
  said["hot_share"] = phone.hot_share;
  said["dead_share"] = phone.dead_share;
  const DslrRendering r = rendering_of(SimzrrVersion::two);
  head["rendering"] = {
      {"contrast", r.contrast},         {"local_contrast", r.local_contrast},
      {"local_radius", r.local_radius}, {"saturation", r.saturation},
      {"sharpening", r.sharpening},     {"sharpening_radius", r.sharpening_radius}};
  head["photos"] = {{"train", content_of(photos.train)}, {"test", content_of(photos.test)}};
}

/// One line for each patch: JSON that a person can read too.
std::string manifest(const SimzrrOptions& o, const SimzrrSummary& summary, const Photos& photos,
                     const std::vector<std::string>& lines) {
  Json head = {{"kind", "simzrr"},
               {"note", simzrr_note},
               {"version", int(o.version)},
               {"seed", o.seed},
               {"patch", o.patch},
               {"misalign", o.misalign},
               {"shrink", o.shrink},
               {"test_share", o.test_share},
               {"phone",
                {{"cfa", "rggb"},
                 {"bits", 10},
                 {"white", 1023},
                 {"xyz_to_camera", phone_camera().xyz_to_camera}}},
               {"train", facts(summary.train)},
               {"test", facts(summary.test)}};
  if (o.version == SimzrrVersion::two) add_facts_of_version_two(photos, head);
  std::string text = head.dump(2);
  text.resize(text.size() - 2);  // "\n}"
  return fmt::format("{},\n  \"patches\": [\n    {}\n  ]\n}}\n", text, fmt::join(lines, ",\n    "));
}

/// What the README of a version says of its own.
struct VersionWords {
  const char *layout, *black, *faults, *canon;
};

VersionWords words_of(SimzrrVersion version) {
  switch (version) {
    case SimzrrVersion::one:
      return {"zrr", "63 or 64", "", "the photo, sRGB"};
    case SimzrrVersion::two:
      return {"zrr-2", "63", "; the phone's faults with them",
              "the photo as a larger camera would render it, sRGB"};
  }
  return {};
}

std::string readme(const SimzrrOptions& o, const SimzrrSummary& summary) {
  const VersionWords words = words_of(o.version);
  return fmt::format(
      "simzrr: {}.\n\n"
      "A phone and a better camera, both simulated from photos by `hyperconv simulate --layout\n"
      "{}` (seed {}). Figures on it are figures on simzrr and on nothing else.\n\n"
      "train/ {} pairs, test/ {} pairs, {}x{} samples, from different photos:\n"
      "  huawei_raw/N.png   mosaic (R G / G B), 10-bit units in 8 or 16 bits, black {}, "
      "white\n"
      "                     1023; white balance, exposure, blur, vignetting and noise as they "
      "come{}\n"
      "  canon/N.jpg        {}\n"
      "simzrr.json says where each patch was cut and what was drawn for it. The photos keep the\n"
      "terms under which they were had.\n",
      simzrr_note, words.layout, o.seed, summary.train.patches, summary.test.patches, o.patch,
      o.patch, words.black, words.faults, words.canon);
}

}  // namespace

SimzrrSummary simulate_zrr(const std::vector<fs::path>& photos,
                           const std::vector<fs::path>& test_photos, const fs::path& output,
                           const SimzrrOptions& options, Threads& threads) {
  check(options);
  // Before the work, so that a place that cannot be written is known at once.
  PendingFolder folder(output);
  SimzrrSummary summary;
  const Photos parts = gather(photos, test_photos, options, threads, summary.left_out);
  std::vector<std::string> lines;
  if (options.train_patches > 0)
    summary.train = make_part(folder, Split::train, parts.train, options.train_patches, options,
                              threads, lines);
  if (options.test_patches > 0)
    summary.test =
        make_part(folder, Split::test, parts.test, options.test_patches, options, threads, lines);
  folder.write(manifest_name, manifest(options, summary, parts, lines));
  folder.write("README", readme(options, summary));
  folder.commit();
  return summary;
}

int simzrr_version(const fs::path& folder) {
  const fs::path path = folder / manifest_name;
  const auto bytes = read_file(path);
  Json json;
  try {
    json = parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  } catch (const Error& error) {
    fail("{}: {}", path.string(), error.what());
  }
  const auto version = json.is_object() ? json.find("version") : json.end();
  if (json.is_discarded() || version == json.end() || !version->is_number_integer())
    fail("{}: is no manifest of a simulated set, which says a version", path.string());
  return version->get<int>();
}

}  // namespace hyperconv
