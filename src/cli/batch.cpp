#include "cli/batch.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <set>
#include <string_view>

#include "base/fail.hpp"
#include "image/codec.hpp"

namespace hyperconv::cli {
namespace {

namespace fs = std::filesystem;

struct Input {
  fs::path path;
  bool of_folder = false;  ///< found there, not named
  fs::path below = {};     ///< the folder it was found in, seen from the one that was named
};

/// What macOS, Windows, cameras and RAW converters lay beside photos.
bool is_companion(const fs::path& path) {
  static const std::set<std::string> names = {"thumbs.db", "desktop.ini", "ehthumbs.db"};
  static const std::set<std::string> endings = {".aae", ".cos", ".db",  ".dop", ".ini", ".on1",
                                                ".pp3", ".thm", ".txt", ".wav", ".xml", ".xmp"};
  std::string name = path.filename().string();
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char letter) { return char(std::tolower(letter)); });
  return name.starts_with(".") || names.contains(name) || endings.contains(lower_ending(path));
}

bool is_wanted(const fs::path& path, std::optional<FileKind> kind) {
  if (is_companion(path)) return false;
  const bool photo = is_writable_image(path), mosaic = may_be_mosaic(path);
  if (!kind) return photo || mosaic;
  // What a PNG or TIFF is, its content says when it is read.
  return *kind == FileKind::mosaic ? mosaic || lower_ending(path).starts_with(".tif") : photo;
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

bool is_same_file(const fs::path& a, const fs::path& b) {
  std::error_code ignored;
  return a.lexically_normal() == b.lexically_normal() || fs::equivalent(a, b, ignored);
}

/// The files of a folder that are asked for, in the order of their names, then those of its
/// folders.
class Search {
 public:
  Search(const EnhanceArguments& a, std::optional<FileKind> kind, Batch& batch)
      : arguments_(a), kind_(kind), batch_(batch) {}

  void look_into(const fs::path& folder, const fs::path& below, std::vector<Input>& found) {
    std::error_code error;
    fs::directory_iterator entries(folder, error);
    if (error) {
      batch_.failures.push_back({folder, fmt::format("{}: cannot be looked into ({})",
                                                     folder.string(), error.message())});
      return;
    }
    std::vector<fs::path> files, folders;
    for (; entries != fs::directory_iterator(); entries.increment(error)) {
      if (error) break;
      if (enters(*entries))
        folders.push_back(entries->path());
      else if (takes(*entries))
        files.push_back(entries->path());
    }
    std::sort(files.begin(), files.end());
    for (fs::path& file : files) found.push_back({std::move(file), true, below});
    std::sort(folders.begin(), folders.end());
    for (const fs::path& inner : folders) look_into(inner, below / inner.filename(), found);
  }

 private:
  bool takes(const fs::directory_entry& entry) {
    std::error_code error;
    const fs::file_status status = entry.status(error);
    if (fs::is_directory(status)) return false;
    const bool wanted = is_wanted(entry.path(), kind_);
    if (!wanted) {
      ++batch_.skipped;
      return false;
    }
    if (fs::is_regular_file(status)) return true;
    ++batch_.skipped;
    batch_.oddities.push_back(
        fmt::format("{}: is skipped: it is {}", entry.path().string(),
                    error || status.type() == fs::file_type::not_found
                        ? fmt::format("a link that leads nowhere ({})",
                                      error ? error.message() : "its target is missing")
                        : "a device or a pipe, not a file"));
    return false;
  }

  /// A link might lead in a circle, and what was made before is no input.
  bool enters(const fs::directory_entry& entry) const {
    std::error_code ignored;
    return arguments_.recursive &&
           entry.symlink_status(ignored).type() == fs::file_type::directory &&
           !is_companion(entry.path()) && !is_same_file(entry.path(), arguments_.output);
  }

  const EnhanceArguments& arguments_;
  std::optional<FileKind> kind_;
  Batch& batch_;
};

const char* what_is_wanted(std::optional<FileKind> kind) {
  if (!kind) return "camera file or photo";
  return *kind == FileKind::mosaic ? "camera file" : "photo";
}

std::vector<Input> inputs_of(const EnhanceArguments& a, std::optional<FileKind> kind,
                             Batch& batch) {
  std::vector<Input> inputs;
  Search search(a, kind, batch);
  for (const fs::path named : a.inputs) {
    if (is_folder(named)) {
      const size_t before = inputs.size(), failures = batch.failures.size();
      search.look_into(named, {}, inputs);
      if (inputs.size() == before && batch.failures.size() == failures && a.inputs.size() == 1 &&
          !a.watch)
        fail("{}: holds no {}{}", named.string(), what_is_wanted(kind),
             a.recursive ? ", nor do its folders" : "");
    } else if (batch.many && is_companion(named)) {
      ++batch.skipped;
    } else {
      inputs.push_back({named, false});
    }
  }
  return inputs;
}

/// Leaves out, of a folder's RAW file and photo of one stem, the one that is not wanted.
void choose_of_pairs(std::vector<Input>& inputs, OfPairs wanted, Batch& batch) {
  if (wanted == OfPairs::both) return;
  struct Kinds {
    bool raw = false, photo = false;
  };
  const auto stem_of = [](const Input& input) {
    return (input.path.parent_path() / input.path.stem()).string();
  };
  std::map<std::string, Kinds> stems;
  for (const Input& input : inputs) {
    if (!input.of_folder) continue;
    (has_raw_ending(input.path) ? stems[stem_of(input)].raw : stems[stem_of(input)].photo) = true;
  }
  const auto is_left = [&](const Input& input) {
    if (!input.of_folder) return false;
    const Kinds& kinds = stems[stem_of(input)];
    return kinds.raw && kinds.photo && has_raw_ending(input.path) != (wanted == OfPairs::raw);
  };
  batch.skipped += std::erase_if(inputs, is_left);
}

/// Names for the pictures of a batch: the source's stem; with its ending where others of its folder
/// have that stem; and with its folder before it where others have that, too.
class Names {
 public:
  explicit Names(const std::vector<Input>& inputs) {
    for (const Input& input : inputs) {
      ++stems_[input.below / input.path.stem()];
      ++names_[input.below / input.path.filename()];
    }
  }

  std::string operator()(const Input& input) const {
    if (stems_.at(input.below / input.path.stem()) == 1) return input.path.stem();
    const fs::path name = input.path.filename();
    return names_.at(input.below / name) == 1 ? name.string()
                                              : folder_of(input.path) + "-" + name.string();
  }

  static std::string folder_of(const fs::path& path) {
    return fs::absolute(path).lexically_normal().parent_path().filename();
  }

 private:
  std::map<fs::path, int> stems_, names_;  ///< how many inputs have each
};

/// What the words of a template stand for.
struct Words {
  std::string stem, ending, folder;
};

std::string filled(const std::string& text, const Words& words) {
  const std::array<std::pair<std::string_view, const std::string&>, 3> known = {
      {{"{stem}", words.stem}, {"{ending}", words.ending}, {"{folder}", words.folder}}};
  std::string name;
  for (size_t at = 0; at < text.size();) {
    const auto word = std::ranges::find_if(known, [&](const auto& candidate) {
      return std::string_view(text).substr(at).starts_with(candidate.first);
    });
    if (word == known.end()) {
      name += text[at++];
    } else {
      name += word->second;
      at += word->first.size();
    }
  }
  return name;
}

Words words_of(const fs::path& photo) {
  const std::string ending = photo.extension().string();
  return {photo.stem().string(), ending.empty() ? ending : ending.substr(1),
          Names::folder_of(photo)};
}

std::vector<Job> jobs_in_folder(const std::vector<Input>& inputs, const EnhanceArguments& a) {
  const Names names(inputs);
  std::vector<Job> jobs;
  std::map<fs::path, fs::path> taken;
  for (const Input& input : inputs) {
    const std::string name = a.name.empty() ? names(input) : filled(a.name, words_of(input.path));
    const fs::path target = fs::path(a.output) / input.below / (name + "." + a.ending);
    const auto [other, is_new] = taken.emplace(target, input.path);
    if (!is_new)
      fail("{} and {} would both become {}{}", other->second.string(), input.path.string(),
           target.string(),
           a.name.empty() ? "" : "; {stem}, {ending} and {folder} in --name tell them apart");
    jobs.push_back({input.path, target});
  }
  return jobs;
}

void check_output(const fs::path& path, const WriteOptions& options) {
  if (!is_dng(path)) {
    if (!is_writable_image(path))
      fail("{}: a picture's name ends in .dng, {}", path.string(), picture_endings());
    check_writable(path, options);
  } else if (options.depth) {
    fail("{}: is a DNG, which has a depth of its own; --depth is for pictures", path.string());
  }
}

void refuse_overwriting_inputs(const std::vector<Job>& jobs) {
  std::map<fs::path, const Job*> inputs;
  for (const Job& job : jobs) inputs.emplace(job.input.lexically_normal(), &job);
  for (const Job& job : jobs)
    if (is_same_file(job.input, job.output) || inputs.contains(job.output.lexically_normal()))
      fail("{}: would be overwritten; name another output", job.output.string());
}

void check_noise_map(const Job& job, const std::string& map) {
  if (map.empty()) return;
  if (!is_writable_image(map)) fail("{}: a noise map's name ends in {}", map, picture_endings());
  check_writable(map);
  if (is_same_file(job.input, map) || is_same_file(job.output, map))
    fail("{}: would be overwritten; name another noise map", map);
}

/// A file or a link; folders and devices are refused by whoever writes.
bool is_there(const fs::path& path) {
  std::error_code ignored;
  const auto status = fs::symlink_status(path, ignored);
  return fs::is_regular_file(status) || fs::is_symlink(status);
}

void check_options_of_folders(const EnhanceArguments& a) {
  if (a.recursive && std::ranges::none_of(a.inputs, is_folder))
    fail("{}: is no folder; --recursive looks into the folders of one", a.inputs[0]);
  if (!a.name.empty() && !is_folder(a.output))
    fail("{}: is no folder that exists, and --name is for pictures in one", a.output);
}

}  // namespace

std::string fault_of_template(const std::string& text) {
  const bool fits = !text.empty() && filled(text, {}).find_first_of("{}/") == std::string::npos;
  return fits ? std::string()
              : "a name is text with {stem}, {ending} or {folder} and without a slash, like "
                "{stem}-clean, not " +
                    text;
}

Batch plan_batch(const EnhanceArguments& a, std::optional<FileKind> kind) {
  check_options_of_folders(a);
  Batch batch;
  batch.many = a.inputs.size() > 1 || is_folder(a.inputs[0]);
  std::vector<Input> inputs = inputs_of(a, kind, batch);
  choose_of_pairs(inputs, a.of_pairs, batch);
  if (batch.many && !is_folder(a.output))
    fail("{}: several photos need a folder that exists", a.output);
  if (batch.many && !a.removal.noise_map.empty()) fail("--noise-map is for one photo");
  if (is_folder(a.output)) {
    batch.jobs = jobs_in_folder(inputs, a);
  } else {
    batch.jobs = {{inputs[0].path, a.output}};
  }
  // Of a folder's pictures all have one ending.
  if (!batch.jobs.empty()) check_output(batch.jobs[0].output, a.write);
  refuse_overwriting_inputs(batch.jobs);
  for (const Job& job : batch.jobs)
    if (!a.failures.empty() && is_same_file(job.output, a.failures))
      fail("{}: is a picture's name; name another file for --failures", a.failures);
  if (!batch.jobs.empty()) check_noise_map(batch.jobs[0], a.removal.noise_map);
  return batch;
}

void keep_existing(const EnhanceArguments& a, Batch& batch) {
  if (a.overwrite) return;
  std::vector<fs::path> existing;
  for (const Job& job : batch.jobs)
    if (is_there(job.output)) existing.push_back(job.output);
  if (a.skip_existing) {
    batch.skipped += std::erase_if(batch.jobs, [](const Job& job) { return is_there(job.output); });
    return;
  }
  if (!a.removal.noise_map.empty() && is_there(a.removal.noise_map))
    existing.emplace_back(a.removal.noise_map);
  if (existing.empty()) return;
  fail("{}: is there already{}; --overwrite replaces it{}", existing.front().string(),
       existing.size() > 1 ? fmt::format(", as are {} others", existing.size() - 1) : "",
       batch.many ? ", --skip-existing goes on with the rest" : "");
}

}  // namespace hyperconv::cli
