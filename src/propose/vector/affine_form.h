// Index expressions as polynomials over names: strides, invariance, equality.
#ifndef KS_PROPOSE_VECTOR_AFFINE_FORM_H_
#define KS_PROPOSE_VECTOR_AFFINE_FORM_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "propose/vector/loop_ir.h"

namespace ks {

// Sum of integer * product of names. A sub-expression that is no polynomial (a / b, a % b, an array
// element) is one opaque name, its text. Value.
class Polynomial {
 public:
  using Monomial = std::vector<std::string>;  // sorted names; empty: the constant

  static Polynomial Of(const IrExprPtr& expression);

  const std::map<Monomial, int64_t>& terms() const { return terms_; }
  bool operator==(const Polynomial& other) const { return terms_ == other.terms_; }
  Polynomial operator+(const Polynomial& other) const;
  Polynomial operator-(const Polynomial& other) const;
  Polynomial operator*(const Polynomial& other) const;

  // True when `name` occurs nowhere, inside opaque sub-expressions neither.
  bool IndependentOf(const std::string& name) const;
  // The factor of `name` when the form is linear in it (zero when it does not occur). Empty: the
  // name occurs with a power, or inside an opaque sub-expression.
  std::optional<Polynomial> StrideOf(const std::string& name) const;
  // The part without `name`.
  Polynomial Without(const std::string& name) const;
  std::optional<int64_t> Constant() const;
  bool IsZero() const { return terms_.empty(); }
  // C++ text; "0" when zero.
  std::string ToText() const;

 private:
  void Add(const Monomial& monomial, int64_t factor);
  std::map<Monomial, int64_t> terms_;
  // Names inside opaque ones.
  std::map<std::string, std::set<std::string>> inside_;
};

}  // namespace ks

#endif  // KS_PROPOSE_VECTOR_AFFINE_FORM_H_
