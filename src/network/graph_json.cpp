// The graph as JSON: {"version": 1, "nodes": [{"name", "op", "inputs", fields of the operator}]}.
// The first files have no version field and are of version 1. Unknown fields and operators are
// refused by name: ignoring one would run another network than the file holds. A field that files
// of version 1 may lack has a default; any other change needs the next version.
#include <nlohmann/json.hpp>
#include <set>

#include "base/fail.hpp"
#include "base/json.hpp"
#include "base/overloaded.hpp"
#include "network/model.hpp"

namespace hyperconv {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t most_nodes = 10000;
constexpr int version = 1;

// The name of each kind, null beyond the last. A switch, so that the compiler warns of a new kind
// without a name; the values count from 0, so that reading tries the same names in turn.
const char* name_of(Conditioning conditioning) {
  switch (conditioning) {
    case Conditioning::layer:
      return "layer";
    case Conditioning::image:
      return "image";
    case Conditioning::constant:
      return "constant";
  }
  return nullptr;
}
const char* name_of(ActivationKind kind) {
  switch (kind) {
    case ActivationKind::relu:
      return "relu";
    case ActivationKind::leaky_relu:
      return "leaky_relu";
    case ActivationKind::sigmoid:
      return "sigmoid";
    case ActivationKind::tanh:
      return "tanh";
  }
  return nullptr;
}
const char* name_of(Padding padding) {
  switch (padding) {
    case Padding::zero:
      return "zero";
    case Padding::reflect:
      return "reflect";
  }
  return nullptr;
}
const char* name_of(HaarKind kind) {
  switch (kind) {
    case HaarKind::analysis:
      return "analysis";
    case HaarKind::low:
      return "low";
    case HaarKind::synthesis:
      return "synthesis";
  }
  return nullptr;
}
const char* name_of(NormKind kind) {
  switch (kind) {
    case NormKind::instance:
      return "instance";
    case NormKind::layer:
      return "layer";
    case NormKind::folded:
      return "folded";
  }
  return nullptr;
}

/// Fields of an object, read by name and type.
class Fields {
 public:
  Fields(const Json& node, std::string where) : node_(node), where_(std::move(where)) {
    if (!node.is_object()) fail("{} is not an object", where_);
  }

  int integer(const char* key) const {
    const Json& value = get(key);
    if (!value.is_number_integer()) fail("{}: '{}' is not a whole number", where_, key);
    const auto number = value.get<int64_t>();
    if (number < INT32_MIN || number > INT32_MAX) fail("{}: '{}' is out of range", where_, key);
    return int(number);
  }

  const std::string& where() const { return where_; }

  bool has(const char* key) const {
    known_.insert(key);
    return node_.contains(key);
  }

  bool truth(const char* key) const {
    const Json& value = get(key);
    if (!value.is_boolean()) fail("{}: '{}' is not true or false", where_, key);
    return value.get<bool>();
  }

  std::string text(const char* key) const {
    const Json& value = get(key);
    if (!value.is_string()) fail("{}: '{}' is not text", where_, key);
    return value.get<std::string>();
  }

  std::vector<NodeId> integers(const char* key) const {
    const Json& value = get(key);
    if (!value.is_array()) fail("{}: '{}' is not a list", where_, key);
    std::vector<NodeId> numbers;
    for (const Json& entry : value) {
      if (!entry.is_number_integer() || entry.get<int64_t>() < 0 ||
          entry.get<int64_t>() >= int64_t(most_nodes))
        fail("{}: '{}' holds something that is no node", where_, key);
      numbers.push_back(entry.get<NodeId>());
    }
    return numbers;
  }

  template <class Kind>
  void choose(const char* key, Kind& kind) const {
    const std::string wanted = text(key);
    for (int i = 0; name_of(Kind(i)) != nullptr; ++i) {
      kind = Kind(i);
      if (wanted == name_of(kind)) return;
    }
    fail("{}: '{}' is '{}', which is not known", where_, key, wanted);
  }

  /// Throws where the object has a field that was not read.
  void refuse_others() const {
    for (const auto& field : node_.items())
      if (!known_.contains(field.key()))
        fail("{}: the field '{}' is not known", where_, field.key());
  }

 private:
  const Json& get(const char* key) const {
    known_.insert(key);
    const auto found = node_.find(key);
    if (found == node_.end()) fail("{}: '{}' is missing", where_, key);
    return *found;
  }

  const Json& node_;
  std::string where_;
  mutable std::set<std::string> known_;
};

Json to_json(const Operator& op) {
  Json json = {{"op", operator_name(op)}};
  std::visit(Overloaded{
                 [&](const Input& o) { json["channels"] = o.channels; },
                 [&](const SideInput& o) { json["channels"] = o.channels; },
                 [&](const Conv2d& o) {
                   json["out_channels"] = o.out_channels;
                   json["kernel"] = o.kernel;
                   // Absent in the first files of this format: only what differs is written.
                   if (o.stride != 1) json["stride"] = o.stride;
                   if (o.padding != Padding::zero) json["padding"] = name_of(o.padding);
                   if (!o.bias) json["bias"] = false;
                 },
                 [&](const HyperConv2d& o) {
                   json["out_channels"] = o.out_channels;
                   json["kernel"] = o.kernel;
                   json["hidden"] = o.hidden;
                   json["conditioning"] = name_of(o.conditioning);
                   json["constant_size"] = o.constant_size;
                 },
                 [&](const ConvTranspose2d& o) { json["out_channels"] = o.out_channels; },
                 [&](const PixelShuffle& o) { json["factor"] = o.factor; },
                 [&](const Activation& o) { json["kind"] = name_of(o.kind); },
                 [&](const AdaptiveAveragePool2d& o) { json["size"] = o.size; },
                 [&](const Bilinear2d& o) { json["align_corners"] = o.align_corners; },
                 [&](const Haar2d& o) { json["kind"] = name_of(o.kind); },
                 [&](const Norm2d& o) { json["kind"] = name_of(o.kind); },
                 [](const AveragePool2d&) {},
                 [](const MaxPool2d&) {},
                 [](const AttentionPool&) {},
                 [](const Upsample2d&) {},
                 [](const Concat&) {},
                 [](const Add&) {},
                 [](const Multiply&) {},
                 [](const PRelu&) {},
                 [](const PhotoDescriptor&) {},
             },
             op);
  return json;
}

/// Fills an operator from its fields.
struct Reader {
  const Fields& f;

  void operator()(Input& o) const { o.channels = f.integer("channels"); }
  void operator()(SideInput& o) const { o.channels = f.integer("channels"); }
  void operator()(Conv2d& o) const {
    o.out_channels = f.integer("out_channels");
    o.kernel = f.integer("kernel");
    if (f.has("stride")) o.stride = f.integer("stride");
    if (f.has("padding")) f.choose("padding", o.padding);
    if (f.has("bias")) o.bias = f.truth("bias");
  }
  void operator()(HyperConv2d& o) const {
    o.out_channels = f.integer("out_channels");
    o.kernel = f.integer("kernel");
    o.hidden = f.integer("hidden");
    f.choose("conditioning", o.conditioning);
    o.constant_size = f.integer("constant_size");
  }
  void operator()(ConvTranspose2d& o) const { o.out_channels = f.integer("out_channels"); }
  void operator()(PixelShuffle& o) const { o.factor = f.integer("factor"); }
  void operator()(Activation& o) const { f.choose("kind", o.kind); }
  void operator()(AdaptiveAveragePool2d& o) const { o.size = f.integer("size"); }
  void operator()(Bilinear2d& o) const { o.align_corners = f.truth("align_corners"); }
  void operator()(Haar2d& o) const { f.choose("kind", o.kind); }
  void operator()(Norm2d& o) const { f.choose("kind", o.kind); }
  void operator()(AveragePool2d&) const {}
  void operator()(MaxPool2d&) const {}
  void operator()(AttentionPool&) const {}
  void operator()(Upsample2d&) const {}
  void operator()(Concat&) const {}
  void operator()(Add&) const {}
  void operator()(Multiply&) const {}
  void operator()(PRelu&) const {}
  void operator()(PhotoDescriptor&) const {}
};

/// Tries the alternatives of Operator one after the other until the name fits.
template <size_t I = 0>
Operator read_operator(const std::string& name, const Fields& fields) {
  if constexpr (I == std::variant_size_v<Operator>) {
    fail("{}: the operator '{}' is not known", fields.where(), name);
  } else {
    std::variant_alternative_t<I, Operator> op;
    if (operator_name(op) != name) return read_operator<I + 1>(name, fields);
    Reader{fields}(op);
    return op;
  }
}

}  // namespace

std::string graph_to_json(const Graph& graph) {
  Json nodes = Json::array();
  for (const Node& node : graph.nodes()) {
    Json entry = {{"name", node.name}, {"inputs", node.inputs}};
    entry.update(to_json(node.op));
    nodes.push_back(std::move(entry));
  }
  return Json{{"version", version}, {"nodes", std::move(nodes)}}.dump();
}

Graph graph_from_json(const std::string& text) {
  const Json json = parse_json(text);
  if (!json.is_object() || !json.contains("nodes") || !json["nodes"].is_array())
    fail("the graph is not a JSON object with a list 'nodes'");
  const Fields top(json, "the graph");
  if (top.has("version") && top.integer("version") != version)
    fail("the graph is of version {}, this program reads version {}", top.integer("version"),
         version);
  top.has("nodes");
  top.refuse_others();
  const Json& nodes = json["nodes"];
  if (nodes.empty() || nodes.size() > most_nodes)
    fail("the graph has {} nodes, must have 1 to {}", nodes.size(), most_nodes);
  Graph graph;
  for (size_t i = 0; i < nodes.size(); ++i) {
    const Fields fields(nodes[i], fmt::format("node {} of the graph", i));
    graph.add(fields.text("name"), read_operator(fields.text("op"), fields),
              fields.integers("inputs"));
    fields.refuse_others();
  }
  return graph;
}

}  // namespace hyperconv
