// An experiment as a list of trainings: what is trained, what is measured of it, what is drawn.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "network/cost.hpp"
#include "network/model.hpp"
#include "network/zoo.hpp"
#include "studies/results.hpp"

namespace hyperconv {

enum class StudyForm {
  full,
  quick,  ///< minutes: does the machinery work here?
  smoke   ///< seconds: what tests run
};

struct StudyPlan {
  StudyForm form = StudyForm::full;
  int seeds = 0;                           ///< runs of each kind; 0: the form's own number
  std::filesystem::path pairs = {};        ///< a set of pairs of mosaics and photos, like simzrr
  std::filesystem::path photos = {};       ///< for simulated RAW patches; where a study wants them
  std::filesystem::path test_photos = {};  ///< that training does not see
  std::filesystem::path more = {};         ///< pairs that are learned from too, where it is there
  std::filesystem::path crops = {};       ///< pairs of which crops are tested on, where it is there
  std::filesystem::path cache = {};       ///< start of the names of files with decoded `pairs`
  std::filesystem::path more_cache = {};  ///< the same of `more`
  std::optional<int64_t> steps = {};      ///< of every run, instead of the form's own number
};

/// The network that a run trains.
struct StudyNet {
  std::string name;  ///< of the zoo
  ZooOptions options;

  Graph graph() const { return make_network(name, options); }
};

/// Where a run's data stand on this machine.
struct DataPaths {
  std::string pairs = {}, photos = {}, cache = {}, more = {}, more_cache = {};
};

struct StudyRun {
  std::string key;  ///< a name for a folder; with the seed it names the run
  uint64_t seed = 1;
  StudyNet net;
  Facts facts;  ///< what tells it from the others
  /// The recipe's text for data in these places. Runs that differ in nothing but the seed, or what
  /// follows from it, have the same `recipe_id`.
  std::function<std::string(const DataPaths&)> recipe;
  std::string recipe_id;
  int64_t steps = 0;
  int batch = 0;
  std::vector<std::filesystem::path> data;  ///< folders that it needs
};

/// What a run has left.
struct TrainedRun {
  std::shared_ptr<const Model> model;
  std::filesystem::path log;  ///< the table of its training, log.csv
};

class Study {
 public:
  Study() = default;
  virtual ~Study() = default;
  Study(const Study&) = delete;
  Study& operator=(const Study&) = delete;

  virtual std::string name() const = 0;
  /// Every run, those of the first seed first: what is there after half the time is of use.
  virtual std::vector<StudyRun> runs(const StudyPlan& plan) const = 0;
  /// What is measured of a trained model. May be called from several threads.
  virtual Facts measure(const StudyRun& run, const TrainedRun& trained,
                        const StudyPlan& plan) const = 0;
  /// Draws every figure beside the results' file, from that file alone; their paths without ending.
  virtual std::vector<std::filesystem::path> draw(const std::filesystem::path& results) const = 0;
  /// The results in words: lines of a Markdown table.
  virtual std::vector<std::string> table(const Results& results) const = 0;
};

/// Of a run's network, one photo of 12 MP: parameters, FLOPs of the convolutions, all FLOPs.
Facts cost_facts(const StudyNet& net);

/// The number with which two recipes, or two sets of data, are told apart: 16 hexadecimal digits.
/// FNV-1a and not tools/hash.hpp: the committed results (docs/findings/*.csv) are resumed by it,
/// and what it was made of (manifests of simulated sets on other machines) is not at hand to make
/// their numbers anew.
std::string fingerprint(const std::string& text);

/// What a folder of data holds, as a fingerprint: the manifest of a simulated set, or else the
/// names and sizes of its files.
std::string data_fingerprint(const std::filesystem::path& folder);

}  // namespace hyperconv
