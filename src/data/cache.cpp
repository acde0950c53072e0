#include "data/cache.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "base/interrupt.hpp"
#include "base/progress.hpp"
#include "data/damage.hpp"
#include "data/source.hpp"
#include "tools/hash.hpp"

// The file: the mark; samples, each picture at a multiple of 64 bytes, in the machine's byte order;
// the index (JSON); where the index begins, its size and its hash. The index comes last because
// sizes are known only once everything is decoded.

namespace hyperconv {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::string_view mark = "hyperconv pairs\n";
constexpr int version = 2;  // 1 had another hash
constexpr uint64_t alignment = 64;
/// A machine of the other byte order reads another number.
constexpr uint16_t byte_order = 0x0102;

struct Trailer {
  uint64_t index_start = 0, index_size = 0, index_hash = 0;
};

/// Of all that the samples depend on.
std::string fingerprint(const PairSet& set) {
  std::string text = fmt::format("{} {} {}", version, to_string(set.layout()), set.size());
  if (const auto* mosaic = std::get_if<MosaicInput>(&set.kind()))
    text += fmt::format(" white {}", mosaic->white);
  Hash hash;
  hash.add(text);
  for (const SourceFile& file : set.source()->files())
    hash.add(fmt::format("\n{}\n{} {}", file.name, file.bytes, file.modified));
  return to_hex(hash.value());
}

// ---- Reading

struct Stored {
  int width = 0, height = 0, channels = 0, bits = 0;
  uint64_t start = 0;

  uint64_t bytes() const {
    return uint64_t(width) * uint64_t(height) * uint64_t(channels) * uint64_t(bits / 8);
  }
};

struct Entry {
  std::string damage;  ///< empty: the pair is sound
  Stored input, target;
};

/// Thrown for a cache that has to be made anew; says why to whoever debugs.
class Stale : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

void demand(bool condition, const char* what) {
  if (!condition) throw Stale(what);
}

Stored read_stored(const json& facts, uint64_t end) {
  Stored s;
  s.width = facts.at(0);
  s.height = facts.at(1);
  s.channels = facts.at(2);
  s.bits = facts.at(3);
  s.start = facts.at(4);
  constexpr int longest_side = 1 << 20;
  demand(s.width > 0 && s.width <= longest_side && s.height > 0 && s.height <= longest_side,
         "size");
  demand((s.channels == 1 || s.channels == 3) && (s.bits == 8 || s.bits == 16), "samples");
  demand(s.start % alignment == 0 && s.start <= end && s.bytes() <= end - s.start, "place");
  return s;
}

Entry read_entry(const json& facts, uint64_t end) {
  Entry entry;
  if (facts.contains("damage")) {
    entry.damage = facts.at("damage");
    demand(!entry.damage.empty(), "damage");
    return entry;
  }
  entry.input = read_stored(facts.at("input"), end);
  entry.target = read_stored(facts.at("target"), end);
  demand(entry.input.width == entry.target.width && entry.input.height == entry.target.height &&
             entry.target.channels == 3,
         "pair");
  return entry;
}

class CachedPairs : public PairSource {
 public:
  /// Throws Stale when the file is not what a cache of this set would be.
  CachedPairs(const fs::path& path, const PairSet& set) : file_(path), original_(set.source()) {
    const auto bytes = file_.bytes();
    demand(bytes.size() >= mark.size() + sizeof(Trailer), "too short");
    Trailer trailer;
    const uint64_t end = bytes.size() - sizeof trailer;
    std::memcpy(&trailer, bytes.data() + end, sizeof trailer);
    demand(trailer.index_start <= end && trailer.index_size == end - trailer.index_start, "index");
    const auto index = bytes.subspan(trailer.index_start, trailer.index_size);
    demand(hash_of(index) == trailer.index_hash, "hash");
    const auto* text = reinterpret_cast<const char*>(index.data());
    read_index(json::parse(text, text + index.size()), set, trailer.index_start);
  }

  size_t size() const override { return entries_.size(); }
  std::string name(size_t index) const override { return original_->name(index); }
  std::vector<SourceFile> files() const override { return original_->files(); }

  std::optional<std::string> visible_damage(size_t index) const override {
    if (entries_[index].damage.empty()) return std::nullopt;
    return entries_[index].damage;
  }

  Pair decode(size_t index) const override {
    const Entry& entry = sound(index);
    return {name(index), whole(entry.input), whole(entry.target)};
  }

  Pair decode_window(size_t index, const ChooseWindow& choose) const override {
    const Entry& entry = sound(index);
    const std::string pair = name(index);
    const Window window = chosen_window(choose, pair, entry.target.height, entry.target.width);
    return {pair, cut(view(entry.input), window), cut(view(entry.target), window)};
  }

 private:
  void read_index(const json& index, const PairSet& set, uint64_t end) {
    demand(index.at("version") == version && index.at("byte_order") == byte_order, "version");
    demand(index.at("made_from") == fingerprint(set), "made from other files");
    const json& pairs = index.at("pairs");
    demand(pairs.size() == set.size(), "pairs");
    entries_.reserve(pairs.size());
    for (const json& facts : pairs) {
      entries_.push_back(read_entry(facts, end));
      const Entry& entry = entries_.back();
      demand(!entry.damage.empty() || entry.input.channels == (set.is_mosaic() ? 1 : 3), "kind");
    }
  }

  const Entry& sound(size_t index) const {
    const Entry& entry = entries_[index];
    if (!entry.damage.empty()) fail("{}", entry.damage);
    return entry;
  }

  SampleView view(const Stored& stored) const {
    const std::byte* start = file_.bytes().data() + stored.start;
    SampleView result{stored.width, stored.height, stored.channels, {}};
    if (stored.bits == 8)
      result.samples = reinterpret_cast<const uint8_t*>(start);
    else
      result.samples = reinterpret_cast<const uint16_t*>(start);
    return result;
  }

  Image whole(const Stored& stored) const {
    const SampleView from = view(stored);
    Image image{stored.width, stored.height, stored.channels, {}, {}};
    std::visit(
        [&](const auto* samples) {
          using Sample = std::decay_t<decltype(*samples)>;
          image.samples = std::vector<Sample>(samples, samples + image.count());
        },
        from.samples);
    return image;
  }

  MappedFile file_;
  std::shared_ptr<const PairSource> original_;
  std::vector<Entry> entries_;
};

/// Nothing where there is no cache, or a stale one.
std::shared_ptr<const PairSource> open_cache(const fs::path& path, const PairSet& set) {
  std::error_code error;
  if (!fs::exists(path, error)) return nullptr;
  const std::vector<uint8_t> start = [&] {
    const MappedFile file(path);
    const auto* bytes = reinterpret_cast<const uint8_t*>(file.bytes().data());
    return std::vector<uint8_t>(bytes, bytes + std::min(file.bytes().size(), mark.size()));
  }();
  if (!std::equal(start.begin(), start.end(), mark.begin(), mark.end()))
    fail("{}: is there and is no cache of pairs; name another file, or remove it", path.string());
  try {
    return std::make_shared<CachedPairs>(path, set);
  } catch (const Stale&) {
  } catch (const json::exception&) {
  }
  return nullptr;
}

// ---- Writing

std::span<const uint8_t> bytes_of(const Image& image) {
  return std::visit(
      [](const auto& samples) {
        return std::span(reinterpret_cast<const uint8_t*>(samples.data()),
                         samples.size() * sizeof(samples[0]));
      },
      image.samples);
}

template <class T>
std::span<const uint8_t> bytes_of_value(const T& value) {
  return {reinterpret_cast<const uint8_t*>(&value), sizeof value};
}

std::span<const uint8_t> bytes_of_text(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

/// A mosaic in 8 bits where that loses nothing.
void shorten(Image& image) {
  const auto* deep = std::get_if<std::vector<uint16_t>>(&image.samples);
  if (image.channels != 1 || deep == nullptr || *std::ranges::max_element(*deep) > 255) return;
  image.samples = std::vector<uint8_t>(deep->begin(), deep->end());
}

class Writer {
 public:
  explicit Writer(const fs::path& path) : file_(path) { write(bytes_of_text(mark)); }

  void add(const Pair& pair) {
    json input = add(pair.input), target = add(pair.target);
    pairs_.push_back({{"input", std::move(input)}, {"target", std::move(target)}});
  }
  void add_damaged(const std::string& damage) { pairs_.push_back({{"damage", damage}}); }

  void commit(const std::string& made_from) {
    const json index = {{"version", version},
                        {"byte_order", byte_order},
                        {"made_from", made_from},
                        {"pairs", std::move(pairs_)}};
    // A line of damage names a file, and that name may be no UTF-8.
    const std::string text = index.dump(-1, ' ', false, json::error_handler_t::replace);
    const Trailer trailer{written_, text.size(), hash_of(text)};
    write(bytes_of_text(text));
    write(bytes_of_value(trailer));
    file_.commit();
  }

 private:
  json add(const Image& image) {
    static constexpr std::array<uint8_t, alignment> zeros{};
    write(std::span(zeros).first((alignment - written_ % alignment) % alignment));
    const int bits = std::holds_alternative<std::vector<uint8_t>>(image.samples) ? 8 : 16;
    json facts = {image.width, image.height, image.channels, bits, written_};
    write(bytes_of(image));
    return facts;
  }

  void write(std::span<const uint8_t> bytes) {
    file_.write(bytes);
    written_ += bytes.size();
  }

  PendingFile file_;
  uint64_t written_ = 0;
  json pairs_ = json::array();
};

/// What became of a pair.
struct Decoded {
  Pair pair;
  std::string damage;
};

Decoded decode(const PairSet& set, size_t index) {
  try {
    Decoded result{set.decode(index), {}};
    shorten(result.pair.input);
    return result;
  } catch (const Error& error) {
    throw_if_interrupted();  // which the cache would remember as damage
    return {{}, error.what()};
  }
}

void make_cache(const PairSet& set, const fs::path& path, Threads& threads) {
  // Before the samples: a change on the way makes the cache stale, not wrong.
  const std::string made_from = fingerprint(set);
  Writer writer(path);
  DamageLog damage(set);
  Progress progress("caching pairs", int64_t(set.size()));
  const size_t at_once = size_t(threads.count());
  std::vector<Decoded> decoded(at_once);
  for (size_t first = 0; first < set.size(); first += at_once) {
    throw_if_interrupted();
    const size_t count = std::min(at_once, set.size() - first);
    threads.parallel_for(int64_t(count),
                         [&](int64_t i) { decoded[size_t(i)] = decode(set, first + size_t(i)); });
    for (size_t i = 0; i < count; ++i) {
      const Decoded& d = decoded[i];
      if (d.damage.empty()) {
        writer.add(d.pair);
        continue;
      }
      damage.note(first + i, d.damage);
      writer.add_damaged(d.damage);
    }
    progress.show(int64_t(first + count));
  }
  writer.commit(made_from);
}

}  // namespace

PairSet cached_pairs(const PairSet& set, const fs::path& file, Threads& threads) {
  auto source = open_cache(file, set);
  if (!source) {
    make_cache(set, file, threads);
    source = open_cache(file, set);
  }
  if (!source) fail("{}: the data set changed while its cache was made", file.string());
  return {set.layout(), set.folder(), set.kind(), std::move(source)};
}

}  // namespace hyperconv
