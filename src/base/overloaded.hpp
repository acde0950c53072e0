// A visitor made of lambdas, one for each alternative: std::visit(Overloaded{...}, variant)
// compiles only when every alternative is handled.
#pragma once

namespace hyperconv {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

}  // namespace hyperconv
