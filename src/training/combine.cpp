#include "training/combine.hpp"

#include <algorithm>
#include <cassert>

namespace hyperconv {
namespace {

/// What a rank has of one parameter's gradient: a matrix, nothing, or a number of rows of factors.
enum Rows : int64_t { nothing = -2, dense = -1 };

int64_t rows_of(const Gradient& gradient) {
  if (const auto* outer = std::get_if<OuterProducts>(&gradient)) return outer->left.size(0);
  return std::get<torch::Tensor>(gradient).defined() ? Rows::dense : Rows::nothing;
}

/// Who has what: [ranks, parameters].
class Table {
 public:
  Table(const Gradients& gradients, const Exchange& exchange) {
    std::vector<int64_t> own;
    for (const auto& gradient : gradients) own.push_back(rows_of(gradient));
    for (const auto& row : exchange.gather(torch::tensor(own, torch::kInt64)))
      rows_.emplace_back(row.data_ptr<int64_t>(), row.data_ptr<int64_t>() + row.numel());
  }

  size_t ranks() const { return rows_.size(); }
  /// Rows of factors that a rank has; 0: none.
  int64_t rows(size_t rank, size_t parameter) const {
    return std::max<int64_t>(rows_[rank][parameter], 0);
  }
  bool is_dense(size_t parameter) const {
    return std::ranges::any_of(rows_, [&](const auto& r) { return r[parameter] == Rows::dense; });
  }
  bool is_product(size_t parameter) const {
    return std::ranges::any_of(rows_, [&](const auto& r) { return r[parameter] >= 0; });
  }

 private:
  std::vector<std::vector<int64_t>> rows_;
};

/// Tensors laid one after the other into a flat one, or read out of it.
class Packing {
 public:
  explicit Packing(torch::Tensor flat) : flat_(std::move(flat)) {}

  torch::Tensor next(at::IntArrayRef dims) {
    const int64_t count = c10::multiply_integers(dims);
    const torch::Tensor piece = flat_.narrow(0, from_, count).view(dims);
    from_ += count;
    return piece;
  }

 private:
  torch::Tensor flat_;
  int64_t from_ = 0;
};

torch::Tensor zeros(int64_t count, const torch::Tensor& like) {
  return torch::zeros({count}, like.options().dtype(torch::kFloat32).requires_grad(false));
}

void add_dense(Gradients& gradients, const std::vector<torch::Tensor>& weights, const Table& table,
               const Exchange& exchange) {
  int64_t count = 0;
  for (size_t i = 0; i < weights.size(); ++i)
    if (table.is_dense(i)) count += weights[i].numel();
  if (count == 0) return;
  torch::Tensor flat = zeros(count, weights[0]);
  Packing in(flat), out(flat);
  for (size_t i = 0; i < weights.size(); ++i) {
    if (!table.is_dense(i)) continue;
    const torch::Tensor piece = in.next(weights[i].sizes());
    const auto& own = std::get<torch::Tensor>(gradients[i]);
    if (own.defined()) piece.copy_(own);
  }
  exchange.add_up(flat);
  for (size_t i = 0; i < weights.size(); ++i)
    if (table.is_dense(i)) gradients[i] = out.next(weights[i].sizes());
}

/// Values of all the factors that a rank has.
int64_t factor_values(const std::vector<torch::Tensor>& weights, const Table& table, size_t rank) {
  int64_t count = 0;
  for (size_t i = 0; i < weights.size(); ++i)
    if (table.is_product(i))
      count += table.rows(rank, i) * (weights[i].size(0) + weights[i].size(1));
  return count;
}

// All ranks' messages are as long as the longest: shares differ by a sample at most.
void join_products(Gradients& gradients, const std::vector<torch::Tensor>& weights,
                   const Table& table, const Exchange& exchange) {
  int64_t longest = 0;
  for (size_t rank = 0; rank < table.ranks(); ++rank)
    longest = std::max(longest, factor_values(weights, table, rank));
  if (longest == 0) return;
  const torch::Tensor own = zeros(longest, weights[0]);
  Packing in(own);
  for (const auto& gradient : gradients)
    if (const auto* outer = std::get_if<OuterProducts>(&gradient)) {
      in.next(outer->left.sizes()).copy_(outer->left);
      in.next(outer->right.sizes()).copy_(outer->right);
    }
  std::vector<Packing> out;
  for (const auto& flat : exchange.gather(own)) out.emplace_back(flat);
  for (size_t i = 0; i < weights.size(); ++i) {
    if (!table.is_product(i)) continue;
    std::vector<torch::Tensor> left, right;
    for (size_t rank = 0; rank < table.ranks(); ++rank) {
      left.push_back(out[rank].next({table.rows(rank, i), weights[i].size(0)}));
      right.push_back(out[rank].next({table.rows(rank, i), weights[i].size(1)}));
    }
    gradients[i] = OuterProducts{torch::cat(left, 0), torch::cat(right, 0)};
  }
}

}  // namespace

void combine_gradients(Gradients& gradients, const std::vector<torch::Tensor>& weights,
                       const Exchange& exchange) {
  assert(gradients.size() == weights.size());
  const torch::NoGradGuard no_grad;
  const Table table(gradients, exchange);
  add_dense(gradients, weights, table, exchange);
  join_products(gradients, weights, table, exchange);
}

}  // namespace hyperconv
