#include "training/row_product.hpp"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "base/integers.hpp"
#include "training/torch_setup.hpp"

namespace hyperconv {
namespace {

/// Rows of the matrix that are one task.
constexpr int64_t task_rows = 2048;

/// body(task, first row, rows).
template <class Body>
void for_row_tasks(int64_t rows, const Body& body) {
  at::parallel_for(0, ceil_div(rows, task_rows), 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task)
      body(task, task * task_rows, std::min(task_rows, rows - task * task_rows));
  });
}

class RowProduct : public torch::autograd::Function<RowProduct> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context,
                               const torch::Tensor& vectors, const torch::Tensor& matrix) {
    context->save_for_backward({matrix});
    const torch::Tensor from = vectors.detach();
    torch::Tensor product = torch::empty({from.size(0), matrix.size(0)}, from.options());
    for_row_tasks(matrix.size(0), [&](int64_t, int64_t first, int64_t rows) {
      product.narrow(1, first, rows).copy_(from.mm(matrix.narrow(0, first, rows).t()));
    });
    return product;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const torch::Tensor matrix = context->get_saved_variables()[0];
    const torch::Tensor left = gradients[0].detach();
    // A sum a task, added up in their order: the same for any number of threads.
    torch::Tensor sums = torch::empty(
        {ceil_div(matrix.size(0), task_rows), left.size(0), matrix.size(1)}, left.options());
    for_row_tasks(matrix.size(0), [&](int64_t task, int64_t first, int64_t rows) {
      sums[task].copy_(left.narrow(1, first, rows).mm(matrix.narrow(0, first, rows)));
    });
    return {sums.sum(0), torch::Tensor()};
  }
};

}  // namespace

torch::Tensor row_product(const torch::Tensor& vectors, const torch::Tensor& matrix) {
  const bool floats = matrix.is_cpu() && matrix.scalar_type() == torch::kFloat32 &&
                      vectors.scalar_type() == torch::kFloat32 && !is_cpu_autocast();
  if (!floats) return torch::matmul(vectors, matrix.detach().t());
  return RowProduct::apply(vectors, matrix.detach());
}

}  // namespace hyperconv
