// Which layout a folder has, and which of its files belong together.
#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <string_view>

#include "base/fail.hpp"
#include "data/file_pairs.hpp"
#include "data/pairs.hpp"
#include "data/sidd_blocks.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;
using Found = std::optional<PairSet>;

// ---- Names

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return char(std::tolower(c)); });
  return text;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// The run of digits that starts here, without leading zeros.
std::string_view number_at(std::string_view text, size_t& place) {
  const size_t start = place;
  while (place < text.size() && is_digit(text[place])) ++place;
  std::string_view digits = text.substr(start, place - start);
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  return digits;
}

/// "2" before "10", "a2" before "a10".
struct NaturalOrder {
  bool operator()(const std::string& a, const std::string& b) const {
    size_t i = 0, j = 0;
    while (i < a.size() && j < b.size()) {
      if (is_digit(a[i]) && is_digit(b[j])) {
        const auto left = number_at(a, i), right = number_at(b, j);
        if (left.size() != right.size()) return left.size() < right.size();
        if (left != right) return left < right;
      } else if (a[i] != b[j]) {
        return a[i] < b[j];
      } else {
        ++i, ++j;
      }
    }
    if ((i == a.size()) != (j == b.size())) return i == a.size();
    return a < b;  // "01" and "1"
  }
};

template <class T>
using ByName = std::map<std::string, T, NaturalOrder>;

// ---- Folders

std::vector<fs::directory_entry> entries_of(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::directory_entry> entries;
  for (fs::directory_iterator i(folder, error), end; !error && i != end; i.increment(error))
    entries.push_back(*i);
  if (error) fail("{}: cannot be read ({})", folder.string(), error.message());
  return entries;
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

std::vector<fs::path> subfolders(const fs::path& folder) {
  std::vector<fs::path> result;
  for (const auto& entry : entries_of(folder))
    if (is_folder(entry.path())) result.push_back(entry.path());
  std::ranges::sort(result);
  return result;
}

/// The subfolder of this name in any case.
std::optional<fs::path> subfolder(const fs::path& folder, std::string_view name) {
  for (const fs::path& path : subfolders(folder))
    if (lower(path.filename().string()) == name) return path;
  return std::nullopt;
}

using Filter = std::function<bool(const fs::path&)>;

bool has_ending(const fs::path& path, std::initializer_list<std::string_view> endings) {
  return std::ranges::find(endings, lower(path.extension().string())) != endings.end();
}
bool is_png_name(const fs::path& path) { return has_ending(path, {".png"}); }
bool is_jpeg_name(const fs::path& path) { return has_ending(path, {".jpg", ".jpeg"}); }
bool is_raw_name(const fs::path& path) { return has_ending(path, {".raw"}); }

std::vector<fs::path> files_of(const fs::path& folder, const Filter& wanted) {
  std::vector<fs::path> result;
  for (const auto& entry : entries_of(folder))
    if (wanted(entry.path()) && !is_folder(entry.path())) result.push_back(entry.path());
  std::ranges::sort(result);
  return result;
}

// ---- Pairs

/// The files that a pair might be made of.
struct Candidates {
  std::vector<fs::path> inputs, targets;
};

/// One side of what is to become pairs.
struct Side {
  fs::path folder;
  Filter is_file;
  /// "17" of ".../17.png"; nothing: the file is of no pair.
  std::function<std::optional<std::string>(const fs::path&)> name =
      [](const fs::path& path) -> std::optional<std::string> { return path.stem().string(); };
  /// Where a pair's half is looked for, for a message.
  std::function<std::string(const std::string& name)> place;
};

ByName<Candidates> candidates(const Side& input, const Side& target) {
  ByName<Candidates> found;
  for (const fs::path& path : files_of(input.folder, input.is_file))
    if (const auto name = input.name(path)) found[*name].inputs.push_back(path);
  for (const fs::path& path : files_of(target.folder, target.is_file))
    if (const auto name = target.name(path)) found[*name].targets.push_back(path);
  return found;
}

/// The one file of a half; else `damage` says why there is none.
fs::path only_one(const std::vector<fs::path>& paths, const std::vector<fs::path>& partners,
                  const std::string& place, std::string& damage) {
  if (paths.empty()) {
    damage = fmt::format("{}: its partner {} is missing", partners.front().string(), place);
    return place;
  }
  if (paths.size() > 1)
    damage = fmt::format("{}: has the name of {}; which of them belongs to the pair is not known",
                         paths[1].string(), paths[0].filename().string());
  return paths[0];
}

std::vector<FilePair> match(const Side& input, const Side& target) {
  std::vector<FilePair> pairs;
  for (const auto& [name, files] : candidates(input, target)) {
    FilePair pair{name, {}, {}, {}};
    pair.input = only_one(files.inputs, files.targets, input.place(name), pair.damage);
    pair.target = only_one(files.targets, files.inputs, target.place(name), pair.damage);
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

std::function<std::string(const std::string&)> place_in(const fs::path& folder,
                                                        const std::string& ending) {
  return [folder, ending](const std::string& name) { return (folder / (name + ending)).string(); };
}

Image read_8_bit_photo(const fs::path& path) { return read_photo(path, true); }
Image read_any_photo(const fs::path& path) { return read_photo(path, false); }

PairSet file_set(Layout layout, const fs::path& folder, std::vector<FilePair> pairs, InputKind kind,
                 FilePairs::Reader read_input, FilePairs::Reader read_target) {
  return {layout, folder, kind,
          std::make_shared<FilePairs>(folder, std::move(pairs), kind, std::move(read_input),
                                      std::move(read_target))};
}

// ---- Zurich RAW-to-DSLR

/// The manifest of a simulated set stands beside its parts.
bool is_simulated(const fs::path& folder) {
  std::error_code ignored;
  const fs::path whole = fs::weakly_canonical(folder, ignored);
  return fs::exists(whole / "simzrr.json", ignored) ||
         fs::exists(whole.parent_path() / "simzrr.json", ignored);
}

Found find_zrr(const fs::path& folder) {
  const fs::path raw = folder / "huawei_raw", canon = folder / "canon";
  if (!is_folder(raw) && !is_folder(canon)) return std::nullopt;
  for (const fs::path& half : {raw, canon})
    if (!is_folder(half))
      fail(
          "{}: is missing; Zurich RAW-to-DSLR has huawei_raw/N.png and canon/N.jpg beside each "
          "other",
          half.string());
  const Side input{.folder = raw, .is_file = is_png_name, .place = place_in(raw, ".png")};
  const Side target{.folder = canon, .is_file = is_jpeg_name, .place = place_in(canon, ".jpg")};
  auto pairs = match(input, target);
  if (pairs.empty())
    fail("{}: has huawei_raw/ and canon/, but no N.png and N.jpg in them", folder.string());
  return file_set(is_simulated(folder) ? Layout::simzrr : Layout::zrr, folder, std::move(pairs),
                  MosaicInput{1020}, read_zrr_mosaic, read_8_bit_photo);
}

// ---- SIDD

/// "SCENE_NOISY_SRGB_010.PNG" -> "SCENE_#010", for either half.
std::function<std::optional<std::string>(const fs::path&)> sidd_name(const std::string& half) {
  return [middle = lower(half) + "_srgb_"](const fs::path& path) -> std::optional<std::string> {
    const std::string stem = path.stem().string();
    const size_t place = lower(stem).rfind(middle);
    if (place == std::string::npos) return std::nullopt;
    const std::string scene = stem.substr(0, place), number = stem.substr(place + middle.size());
    if (number.empty() || !std::ranges::all_of(number, is_digit)) return std::nullopt;
    if (!scene.empty() && !scene.ends_with('_')) return std::nullopt;
    return scene + "#" + number;
  };
}

/// "SCENE_#010" -> where that half stands.
std::function<std::string(const std::string&)> sidd_place(const fs::path& scene,
                                                          const std::string& half) {
  return [scene, half](const std::string& name) {
    const size_t mark = name.rfind('#');
    return (scene / (name.substr(0, mark) + half + "_SRGB_" + name.substr(mark + 1) + ".PNG"))
        .string();
  };
}

std::vector<FilePair> sidd_scene(const fs::path& scene) {
  const auto side = [&](const std::string& half) {
    return Side{scene, is_png_name, sidd_name(half), sidd_place(scene, half)};
  };
  auto pairs = match(side("NOISY"), side("GT"));
  for (FilePair& pair : pairs)
    pair.name = scene.filename().string() + "/" + pair.name.substr(pair.name.rfind('#') + 1);
  return pairs;
}

/// "0001_001_S6_00100_00060_3200_L": what SIDD's scenes are called.
bool is_sidd_scene_name(const fs::path& path) {
  constexpr std::string_view form = "dddd_ddd_";
  const std::string name = path.filename().string();
  return name.size() > form.size() &&
         std::equal(form.begin(), form.end(), name.begin(),
                    [](char wanted, char c) { return wanted == 'd' ? is_digit(c) : c == wanted; });
}

Found find_sidd_srgb(const fs::path& folder) {
  const fs::path data = is_folder(folder / "Data") ? folder / "Data" : folder;
  std::vector<FilePair> pairs;
  bool any = false;
  for (const fs::path& scene : subfolders(data)) {
    auto found = sidd_scene(scene);
    any = any || !found.empty();
    if (found.empty() && is_sidd_scene_name(scene))
      found.push_back(
          {scene.filename().string(), scene, scene,
           fmt::format("{}: holds no NOISY_SRGB_*.PNG and GT_SRGB_*.PNG", scene.string())});
    pairs.insert(pairs.end(), found.begin(), found.end());
  }
  if (!any) return std::nullopt;
  return file_set(Layout::sidd_srgb, folder, std::move(pairs), PhotoInput{}, read_8_bit_photo,
                  read_8_bit_photo);
}

Found find_sidd_blocks(const fs::path& folder) {
  const auto has = [&](const char* name) {
    std::error_code ignored;
    return fs::exists(folder / (std::string(name) + ".mat"), ignored);
  };
  if (!has(SiddBlocks::noisy_name) && !has(SiddBlocks::clean_name)) return std::nullopt;
  return PairSet{Layout::sidd_blocks, folder, PhotoInput{}, std::make_shared<SiddBlocks>(folder)};
}

// ---- Plain folders

/// Names of the two folders, in lower case.
constexpr std::array<std::array<std::string_view, 2>, 6> folder_names = {{{"noisy", "clean"},
                                                                          {"noisy", "gt"},
                                                                          {"input", "target"},
                                                                          {"input", "gt"},
                                                                          {"lq", "gt"},
                                                                          {"lq", "hq"}}};

Found find_folders(const fs::path& folder) {
  for (const auto& [input_name, target_name] : folder_names) {
    const auto inputs = subfolder(folder, input_name), targets = subfolder(folder, target_name);
    if (!inputs || !targets) continue;
    const Side input{
        .folder = *inputs, .is_file = is_writable_image, .place = place_in(*inputs, ".*")};
    const Side target{
        .folder = *targets, .is_file = is_writable_image, .place = place_in(*targets, ".*")};
    auto pairs = match(input, target);
    if (pairs.empty())
      fail("{}: has {}/ and {}/, but no JPEG, PNG or TIFF in them", folder.string(), input_name,
           target_name);
    return file_set(Layout::folders, folder, std::move(pairs), PhotoInput{}, read_any_photo,
                    read_any_photo);
  }
  return std::nullopt;
}

/// Ends of the stems of the two files, in lower case.
constexpr std::array<std::array<std::string_view, 2>, 2> suffix_names = {
    {{"_real", "_mean"}, {"_noisy", "_clean"}}};

Side suffix_side(const fs::path& folder, std::string_view suffix) {
  const auto name = [suffix](const fs::path& path) -> std::optional<std::string> {
    const std::string stem = path.stem().string();
    if (!lower(stem).ends_with(suffix)) return std::nullopt;
    return stem.substr(0, stem.size() - suffix.size());
  };
  return {folder, is_writable_image, name, place_in(folder, std::string(suffix) + ".*")};
}

Found find_suffixes(const fs::path& folder) {
  for (const auto& [input, target] : suffix_names) {
    auto pairs = match(suffix_side(folder, input), suffix_side(folder, target));
    // A photo may be called ..._real for other reasons; a pair shows what is meant.
    if (std::ranges::all_of(pairs, [](const FilePair& pair) { return !pair.damage.empty(); }))
      continue;
    return file_set(Layout::suffixes, folder, std::move(pairs), PhotoInput{}, read_any_photo,
                    read_any_photo);
  }
  return std::nullopt;
}

// ---- Headerless mosaics

Found find_rhid(const fs::path& folder) {
  const Side input{.folder = folder, .is_file = is_raw_name, .place = place_in(folder, ".raw")};
  const Side target{.folder = folder, .is_file = is_png_name, .place = place_in(folder, ".png")};
  auto pairs = match(input, target);
  if (std::ranges::all_of(pairs, [](const FilePair& pair) { return !pair.damage.empty(); }))
    return std::nullopt;
  return file_set(Layout::rhid, folder, std::move(pairs), MosaicInput{4095}, read_rhid_mosaic,
                  read_8_bit_photo);
}

// ---- All of them

Found find_here(const fs::path& folder) {
  for (const auto find :
       {find_zrr, find_sidd_blocks, find_sidd_srgb, find_folders, find_suffixes, find_rhid})
    if (auto found = find(folder)) return found;
  return std::nullopt;
}

std::vector<std::string_view> folders_of(Split split) {
  if (split == Split::train) return {"train"};
  return {"test", "val", "validation"};
}

constexpr std::string_view known_layouts =
    "huawei_raw/N.png + canon/N.jpg (Zurich RAW-to-DSLR); SCENE/*NOISY_SRGB_NNN.PNG + "
    "*GT_SRGB_NNN.PNG, also in Data/ (SIDD); ValidationNoisyBlocksSrgb.mat + "
    "ValidationGtBlocksSrgb.mat; noisy/ + clean/, input/ + target/, lq/ + gt/; "
    "X_real.* + X_mean.*; N.raw + N.png";

Found find_in_split(const fs::path& folder, Split split) {
  for (const std::string_view name : folders_of(split))
    if (const auto inside = subfolder(folder, name))
      if (auto found = find_here(*inside)) return found;
  return std::nullopt;
}

[[noreturn]] void fail_to_find(const fs::path& folder, const std::vector<std::string_view>& names) {
  std::string places;
  for (const std::string_view name : names)
    places += fmt::format("{} {}/{}", places.empty() ? "" : ",", name,
                          subfolder(folder, name) ? "" : " (which is not there)");
  fail("{}: no pairs found here or in{}; looked for {}", folder.string(), places, known_layouts);
}

void check_folder(const fs::path& folder) {
  if (!is_folder(folder)) fail("{}: is no folder of pairs", folder.string());
}

}  // namespace

PairSet find_pairs(const fs::path& folder, Split split) {
  check_folder(folder);
  if (auto found = find_here(folder)) return *std::move(found);
  if (auto found = find_in_split(folder, split)) return *std::move(found);
  fail_to_find(folder, folders_of(split));
}

std::vector<SplitOfSet> find_splits(const fs::path& folder) {
  check_folder(folder);
  if (auto found = find_here(folder)) return {{std::nullopt, *std::move(found)}};
  std::vector<SplitOfSet> splits;
  for (const Split split : {Split::train, Split::test})
    if (auto found = find_in_split(folder, split)) splits.push_back({split, *std::move(found)});
  if (splits.empty()) fail_to_find(folder, {"train", "test", "val", "validation"});
  return splits;
}

}  // namespace hyperconv
