#include "onnx/onnx_builder.hpp"

#include <onnx/defs/attr_proto_util.h>

#include <utility>

namespace hyperconv {

onnx::AttributeProto attribute(const std::string& name, int64_t value) {
  return onnx::MakeAttribute(name, value);
}

onnx::AttributeProto attribute(const std::string& name, double value) {
  return onnx::MakeAttribute(name, float(value));
}

onnx::AttributeProto attribute(const std::string& name, const char* value) {
  return onnx::MakeAttribute(name, std::string(value));
}

onnx::AttributeProto attribute(const std::string& name, const std::vector<int64_t>& values) {
  return onnx::MakeAttribute(name, values);
}

void OnnxBuilder::begin(const std::string& node, const std::string& description) {
  node_ = node;
  description_ = description;
  result_name_.clear();
}

std::string OnnxBuilder::claim(std::string name) {
  while (!taken_.insert(name).second) name += "_";
  return name;
}

onnx::NodeProto& OnnxBuilder::append(const std::string& name, const std::string& result,
                                     const char* type, const Inputs& inputs,
                                     const Attributes& attributes) {
  onnx::NodeProto& node = *graph_.add_node();
  node.set_name(name);
  node.set_op_type(type);
  for (const OnnxValue& input : inputs) node.add_input(input.name);
  node.add_output(result);
  for (const onnx::AttributeProto& each : attributes) *node.add_attribute() = each;
  return node;
}

OnnxValue OnnxBuilder::part(const std::string& label, const char* type, const Inputs& inputs,
                            const Attributes& attributes) {
  const std::string name = claim(node_ + "/" + label);
  append(name, name, type, inputs, attributes);
  return {name};
}

OnnxValue OnnxBuilder::last(const char* type, const Inputs& inputs, const Attributes& attributes) {
  const std::string result =
      result_name_.empty() ? claim(node_) : std::exchange(result_name_, std::string());
  append(node_, result, type, inputs, attributes).set_doc_string(description_);
  return {result};
}

template <class T>
OnnxValue OnnxBuilder::add_constant(const std::string& label, const std::vector<T>& values,
                                    const std::vector<int64_t>& dims,
                                    onnx::TensorProto::DataType type) {
  const std::string name = claim(node_ + "/" + label);
  onnx::TensorProto& tensor = *graph_.add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(type);
  for (const int64_t extent : dims) tensor.add_dims(extent);
  tensor.set_raw_data(values.data(), values.size() * sizeof(T));
  return {name};
}

OnnxValue OnnxBuilder::constant(const std::string& label, const std::vector<int64_t>& values) {
  return constant(label, values, {int64_t(values.size())});
}

OnnxValue OnnxBuilder::constant(const std::string& label, const std::vector<int64_t>& values,
                                const std::vector<int64_t>& dims) {
  return add_constant(label, values, dims, onnx::TensorProto::INT64);
}

OnnxValue OnnxBuilder::constant(const std::string& label, const std::vector<float>& values,
                                const std::vector<int64_t>& dims) {
  return add_constant(label, values, dims, onnx::TensorProto::FLOAT);
}

OnnxValue OnnxBuilder::scalar(const std::string& label, double value) {
  return constant(label, std::vector<float>{float(value)}, {});
}

OnnxValue OnnxBuilder::weight(const std::string& name, const std::vector<int64_t>& dims) {
  weights_.push_back({name, dims});
  return {name};
}

}  // namespace hyperconv
