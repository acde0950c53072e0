// A visitor made of lambdas, one an alternative: std::visit(Overloaded{...}, variant) compiles only
// when every alternative is answered.
#pragma once

namespace hyperconv {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

}  // namespace hyperconv
