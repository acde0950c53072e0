#include "hyperconv/onnx.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx/checker.h>
#include <onnx/shape_inference/implementation.h>

#include <fstream>

#include "base/testing.hpp"
#include "hyperconv/error.hpp"
#include "hyperconv/zoo.hpp"

namespace hyperconv {
namespace {

TEST(Onnx, Zoo) {
  const TemporaryFolder folder;
  for (const auto& name : network_names()) {
    SCOPED_TRACE(name);
    const Graph graph = make_network(name, {.width = 8});
    export_onnx(folder / "n.onnx", untrained(graph, {}, 1));
    onnx::ModelProto model;
    std::ifstream in(folder / "n.onnx", std::ios::binary);
    ASSERT_TRUE(model.ParseFromIstream(&in));
    EXPECT_NO_THROW(onnx::checker::check_model(model));
    onnx::shape_inference::InferShapes(model, onnx::OpSchemaRegistry::Instance(), {true, 1, true});
  }
}

}  // namespace
}  // namespace hyperconv
