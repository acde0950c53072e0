// An ONNX graph under construction: names, nodes, constants and weights. Knows ONNX, but none of
// our operators.
#pragma once

#include <onnx/onnx_pb.h>

#include <set>
#include <string>
#include <vector>

namespace hyperconv {

/// A value of an ONNX graph, by its name.
struct OnnxValue {
  std::string name;
};

/// A learned array of the file; its bytes are added only when the file is written.
struct OnnxWeight {
  std::string name;  ///< as in the model
  std::vector<int64_t> dims;
};

/// An attribute of an ONNX node.
onnx::AttributeProto attribute(const std::string& name, int64_t value);
onnx::AttributeProto attribute(const std::string& name, double value);
onnx::AttributeProto attribute(const std::string& name, const char* value);
onnx::AttributeProto attribute(const std::string& name, const std::vector<int64_t>& values);

class OnnxBuilder {
 public:
  using Inputs = std::vector<OnnxValue>;
  using Attributes = std::vector<onnx::AttributeProto>;

  /// Names that no value made here may take: of the graph's ends and its weights.
  explicit OnnxBuilder(std::set<std::string> reserved) : taken_(std::move(reserved)) {}

  /// The operator of ours that the next calls are about: its name, and what to say of it.
  void begin(const std::string& node, const std::string& description);

  /// An ONNX node within it, and its result.
  OnnxValue part(const std::string& label, const char* type, const Inputs& inputs,
                 const Attributes& attributes = {});
  /// Its last ONNX node, which has its very name.
  OnnxValue last(const char* type, const Inputs& inputs, const Attributes& attributes = {});
  /// Lets the next last() give the value of this reserved name.
  void call_result(const std::string& name) { result_name_ = name; }

  /// An array that is not learned. Without dims: a list.
  OnnxValue constant(const std::string& label, const std::vector<int64_t>& values);
  OnnxValue constant(const std::string& label, const std::vector<int64_t>& values,
                     const std::vector<int64_t>& dims);
  OnnxValue constant(const std::string& label, const std::vector<float>& values,
                     const std::vector<int64_t>& dims);
  OnnxValue scalar(const std::string& label, double value);

  /// A learned array under one of the reserved names.
  OnnxValue weight(const std::string& name, const std::vector<int64_t>& dims);

  onnx::GraphProto& graph() { return graph_; }
  const std::vector<OnnxWeight>& weights() const { return weights_; }

 private:
  /// The name, or one like it where that is taken.
  std::string claim(std::string name);
  onnx::NodeProto& append(const std::string& name, const std::string& result, const char* type,
                          const Inputs& inputs, const Attributes& attributes);
  template <class T>
  OnnxValue add_constant(const std::string& label, const std::vector<T>& values,
                         const std::vector<int64_t>& dims, onnx::TensorProto::DataType type);

  onnx::GraphProto graph_;
  std::vector<OnnxWeight> weights_;
  std::set<std::string> taken_;
  std::string node_, description_, result_name_;
};

}  // namespace hyperconv
