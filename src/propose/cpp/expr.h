// Integer index expressions as polynomials over symbols: enough to tell how an address depends on
// a loop variable. Anything that is not +, -, * becomes an opaque symbol that remembers what it
// mentions.
#ifndef KS_PROPOSE_CPP_EXPR_H_
#define KS_PROPOSE_CPP_EXPR_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace ks {

// Sum of coefficient * product of symbols. Value.
class Poly {
 public:
  Poly() = default;
  static Poly Constant(int64_t value);
  static Poly Symbol(const std::string& name);
  // A value that is not a polynomial, for example "(x / 2)" of {"x"}. Mentioning "*" means that it
  // may depend on anything. non_negative: known to be at least 0.
  static Poly Opaque(const std::string& text, const std::set<std::string>& mentions,
                     bool non_negative = false);

  Poly operator+(const Poly& other) const;
  Poly operator-(const Poly& other) const;
  Poly operator*(const Poly& other) const;
  bool operator==(const Poly& other) const { return terms_ == other.terms_; }

  bool IsZero() const { return terms_.empty(); }
  std::optional<int64_t> AsConstant() const;
  // True when `symbol` occurs, inside opaque symbols too.
  bool Mentions(const std::string& symbol) const;
  // The factor of `symbol` when the polynomial is affine in it; empty when it occurs in a higher
  // power or inside an opaque symbol. Zero when it does not occur.
  std::optional<Poly> Stride(const std::string& symbol) const;
  // The terms that do not have `symbol` as a factor: the polynomial modulo `symbol`.
  Poly Modulo(const std::string& symbol) const;
  Poly Substitute(const std::string& symbol, const Poly& value) const;
  // Every symbol of every term; opaque ones by their own names.
  std::set<std::string> Symbols() const;
  bool HasOpaque() const;
  // True when it is at least zero for every choice of symbols >= 1. Conservative.
  bool IsNonNegative() const;
  // "b*m*n + i*n + 3", for messages and tests.
  std::string ToString() const;

 private:
  using Monomial = std::vector<std::string>;  // sorted
  bool OpaqueMentions(const std::string& factor, const std::string& symbol) const;
  void Add(const Monomial& monomial, int64_t coefficient);

  std::map<Monomial, int64_t> terms_;
  std::map<std::string, std::set<std::string>> opaque_;
};

}  // namespace ks

#endif  // KS_PROPOSE_CPP_EXPR_H_
