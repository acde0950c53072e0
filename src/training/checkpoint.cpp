#include "training/checkpoint.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <sstream>

#include "base/fail.hpp"
#include "network/safetensors.hpp"
#include "tools/hash.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

constexpr const char* format_version = "hyperconv-checkpoint-4";

/// The four families of tensors under their names in the file.
template <class Visit>
void for_each_family(TrainingState& state, Visit visit) {
  visit("weight/", state.weights);
  visit("first_moment/", state.first_moments);
  visit("second_moment/", state.second_moments);
  visit("average/", state.average);
}

/// In memory of this process, in rows without gaps.
torch::Tensor on_cpu(const torch::Tensor& tensor) {
  return tensor.detach().to(torch::kCPU, torch::kFloat32).contiguous();
}

std::span<const uint8_t> bytes_of(const torch::Tensor& tensor) {
  return {reinterpret_cast<const uint8_t*>(tensor.data_ptr<float>()),
          size_t(tensor.numel()) * sizeof(float)};
}

/// Hashes all that a checkpoint says: facts, and names, shapes and values of its tensors in the
/// order of the file.
class CheckpointHash {
 public:
  void add_fact(const std::string& key, const std::string& value) {
    add(key);
    add(value);
  }
  void add_tensor(const std::string& name, const std::vector<int64_t>& dims,
                  std::span<const std::byte> values) {
    add(fmt::format("{} {}", name, fmt::join(dims, "x")));
    add(values);
  }
  uint64_t value() const { return hash_.value(); }

 private:
  void add(std::span<const std::byte> bytes) {
    const uint64_t size = bytes.size();  // so that no two sequences are the same bytes
    hash_.add(std::as_bytes(std::span(&size, 1)));
    hash_.add(bytes);
  }
  void add(const std::string& text) { add(std::as_bytes(std::span(text))); }

  Hash hash_;
};

using TextFacts = std::map<std::string, std::string>;

uint64_t hash_of(TrainingState state, const TextFacts& facts) {
  CheckpointHash hash;
  for (const auto& [key, value] : facts) hash.add_fact(key, value);
  for_each_family(state, [&](const std::string& family, std::vector<torch::Tensor>& tensors) {
    for (size_t i = 0; i < tensors.size(); ++i) {
      const Parameter& p = state.parameters[i];
      hash.add_tensor(family + p.name, p.dims, std::as_bytes(bytes_of(on_cpu(tensors[i]))));
    }
  });
  return hash.value();
}

/// The same of a file that was read: its tensors in the order of their offsets.
uint64_t hash_of(const Safetensors& file) {
  CheckpointHash hash;
  for (const auto& [key, value] : file.metadata)
    if (key != "checksum") hash.add_fact(key, value);
  std::vector<std::pair<std::string, WeightView>> tensors(file.tensors.begin(), file.tensors.end());
  std::ranges::sort(tensors, {}, [](const auto& tensor) { return tensor.second.bytes.data(); });
  for (const auto& [name, view] : tensors) hash.add_tensor(name, view.dims, view.bytes);
  return hash.value();
}

const std::string& fact(const Safetensors& file, const char* key) {
  const auto found = file.metadata.find(key);
  if (found == file.metadata.end()) fail("its metadata lack '{}'", key);
  return found->second;
}

template <class Number>
Number parsed(const std::string& text, const char* what) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !(number >= 0))
    fail("its {} '{}' is no number", what, text);
  return number;
}

/// Numbers with a space between them.
std::vector<double> parsed_list(const std::string& text, const char* what) {
  std::istringstream words(text);
  std::vector<double> numbers;
  for (std::string word; words >> word;) numbers.push_back(parsed<double>(word, what));
  return numbers;
}

const WeightView& tensor_of(const Safetensors& file, const std::string& name,
                            const std::vector<int64_t>& dims) {
  const auto found = file.tensors.find(name);
  if (found == file.tensors.end() || found->second.dims != dims ||
      found->second.precision != Precision::f32)
    fail("the tensor '{}' is missing, of another shape or not in F32", name);
  return found->second;
}

/// A checkpoint that is not what was written.
class Damage : public Error {
 public:
  using Error::Error;
};

Safetensors read_sound(const fs::path& path) {
  try {
    Safetensors file = read_safetensors(path);
    if (fact(file, "format") != format_version) fail("its format is '{}'", fact(file, "format"));
    if (to_hex(hash_of(file)) != fact(file, "checksum")) fail("its checksum does not fit");
    return file;
  } catch (const Error& error) {
    // What cannot be opened or mapped now may be sound: nobody should start afresh for it.
    if (error.code() == ErrorCode::io) throw;
    const std::string what = error.what();
    throw Damage(what.starts_with(path.string()) ? what : path.string() + ": " + what);
  }
}

void restore(const Safetensors& file, TrainingState& state) {
  if (fact(file, "recipe") != state.recipe)
    fail("it was made by another recipe; start afresh with --restart, or name another --output");
  const auto step = parsed<int64_t>(fact(file, "step"), "step");
  const auto best = parsed<double>(fact(file, "best_psnr"), "best_psnr");
  const auto clip = parsed_list(fact(file, "clip"), "clip");
  const auto ranges = file.metadata.find("side_ranges");  // absent in older ones
  auto side_ranges =
      ranges == file.metadata.end() ? state.side_ranges : side_ranges_from_json(ranges->second);
  for_each_family(state, [&](const std::string& family, std::vector<torch::Tensor>& tensors) {
    for (size_t i = 0; i < tensors.size(); ++i)
      tensor_of(file, family + state.parameters[i].name, state.parameters[i].dims);
  });
  const torch::NoGradGuard no_grad;
  for_each_family(state, [&](const std::string& family, std::vector<torch::Tensor>& tensors) {
    for (size_t i = 0; i < tensors.size(); ++i) {
      const Parameter& p = state.parameters[i];
      const WeightView& view = tensor_of(file, family + p.name, p.dims);
      auto* bytes = const_cast<std::byte*>(view.bytes.data());  // from_blob takes no const
      tensors[i].copy_(torch::from_blob(bytes, p.dims, torch::kFloat32));
    }
  });
  state.step = step;
  state.best_psnr = best;
  state.clip = clip;
  state.side_ranges = std::move(side_ranges);
}

void remove_checkpoint(const fs::path& path) {
  std::error_code error;
  if (!fs::remove(path, error) && error)
    fail_as(ErrorCode::io, "{}: cannot be removed ({})", path.string(), error.message());
}

fs::path path_of(const fs::path& folder, int64_t step) {
  return folder / fmt::format("checkpoint-{:09}.safetensors", step);
}

constexpr size_t kept_checkpoints = 2;

}  // namespace

int64_t state_hash(const TrainingState& state) { return int64_t(hash_of(state, {})); }

void Checkpoints::save(const TrainingState& original) const {
  TrainingState state = original;  // shares the tensors
  TextFacts facts = {{"format", format_version},
                     {"step", std::to_string(state.step)},
                     {"best_psnr", fmt::format("{}", state.best_psnr)},
                     {"clip", fmt::format("{}", fmt::join(state.clip, " "))},
                     {"recipe", state.recipe},
                     {"side_ranges", to_json(state.side_ranges)}};
  facts["checksum"] = to_hex(hash_of(state, facts));
  SafetensorsWriter writer(path_of(folder_, state.step), facts);
  for_each_family(state, [&](const std::string& family, std::vector<torch::Tensor>& tensors) {
    for (size_t i = 0; i < tensors.size(); ++i)
      writer.announce(family + state.parameters[i].name, Precision::f32, state.parameters[i].dims);
  });
  for_each_family(state, [&](const std::string&, std::vector<torch::Tensor>& tensors) {
    for (const auto& tensor : tensors) writer.write(bytes_of(on_cpu(tensor)));
  });
  writer.commit();
  const auto all = files();
  for (size_t i = kept_checkpoints; i < all.size(); ++i) remove_checkpoint(all[i]);
}

bool Checkpoints::load(TrainingState& state, std::vector<std::string>& damaged) const {
  const auto all = files();
  for (const fs::path& path : all) {
    try {
      const Safetensors file = read_sound(path);
      try {
        restore(file, state);
      } catch (const Error& error) {
        fail("{}: cannot be resumed from: {}", path.string(), error.what());
      }
      return true;
    } catch (const Damage& damage) {
      damaged.push_back(damage.what());
    }
  }
  if (!all.empty())
    fail("{}; no sound checkpoint is left: start afresh with --restart", damaged.front());
  return false;
}

std::vector<fs::path> Checkpoints::files() const {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator entries(folder_, error), end; !error && entries != end;
       entries.increment(error)) {
    const std::string name = entries->path().filename().string();
    if (name.starts_with("checkpoint-") && entries->path().extension() == ".safetensors")
      found.push_back(entries->path());
  }
  // A folder that cannot be listed now is not a run without checkpoints, which would begin anew.
  if (error && error != std::errc::no_such_file_or_directory)
    fail_as(ErrorCode::io, "{}: cannot be listed ({})", folder_.string(), error.message());
  std::ranges::sort(found, std::greater());
  return found;
}

void Checkpoints::remove_all() const {
  for (const fs::path& path : files()) remove_checkpoint(path);
}

}  // namespace hyperconv
