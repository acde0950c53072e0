#include "training/gradients.hpp"

#include <cmath>

#include "base/overloaded.hpp"
#include "training/row_product.hpp"

namespace hyperconv {
namespace {

torch::Tensor joined(const torch::Tensor& before, const torch::Tensor& more) {
  return before.defined() ? torch::cat({before, more}, 0) : more;
}

}  // namespace

double squared_norm(const Gradient& gradient) {
  const torch::NoGradGuard no_grad;
  return std::visit(Overloaded{
                        [](const torch::Tensor& dense) {
                          if (!dense.defined()) return 0.0;
                          const torch::Tensor flat = dense.reshape(-1);
                          return torch::dot(flat, flat).item<double>();
                        },
                        [](const OuterProducts& outer) {
                          const torch::Tensor left = outer.left.to(torch::kFloat64);
                          const torch::Tensor right = outer.right.to(torch::kFloat64);
                          return (left.mm(left.t()) * right.mm(right.t())).sum().item<double>();
                        },
                    },
                    gradient);
}

double norm(const Gradients& gradients) {
  double squares = 0;
  for (const Gradient& gradient : gradients) squares += squared_norm(gradient);
  return std::sqrt(squares);
}

torch::Tensor ProductTape::product(size_t parameter, const torch::Tensor& hidden,
                                   const torch::Tensor& matrix) {
  torch::Tensor product = row_product(hidden, matrix);
  product.retain_grad();
  entries_.push_back({parameter, product, hidden.detach()});
  return product;
}

void ProductTape::collect(Gradients& gradients) {
  for (const Entry& entry : entries_) {
    if (!entry.product.grad().defined()) continue;  // the loss does not depend on it
    auto* outer = std::get_if<OuterProducts>(&gradients[entry.parameter]);
    if (outer == nullptr) outer = &gradients[entry.parameter].emplace<OuterProducts>();
    outer->left = joined(outer->left, entry.product.grad().to(torch::kFloat32));
    outer->right = joined(outer->right, entry.hidden.to(torch::kFloat32));
  }
  entries_.clear();
}

}  // namespace hyperconv
