#include "propose/vector/affine_form.h"

#include <algorithm>

#include "base/text.h"

namespace ks {

void Polynomial::Add(const Monomial& monomial, int64_t factor) {
  const auto [at, fresh] = terms_.try_emplace(monomial, 0);
  at->second += factor;
  if (at->second == 0) terms_.erase(at);
}

Polynomial Polynomial::operator+(const Polynomial& other) const {
  Polynomial sum = *this;
  for (const auto& [monomial, factor] : other.terms_) sum.Add(monomial, factor);
  sum.inside_.insert(other.inside_.begin(), other.inside_.end());
  return sum;
}

Polynomial Polynomial::operator-(const Polynomial& other) const {
  Polynomial difference = *this;
  for (const auto& [monomial, factor] : other.terms_) difference.Add(monomial, -factor);
  difference.inside_.insert(other.inside_.begin(), other.inside_.end());
  return difference;
}

Polynomial Polynomial::operator*(const Polynomial& other) const {
  Polynomial product;
  product.inside_ = inside_;
  product.inside_.insert(other.inside_.begin(), other.inside_.end());
  for (const auto& [a, x] : terms_) {
    for (const auto& [b, y] : other.terms_) {
      Monomial names = a;
      names.insert(names.end(), b.begin(), b.end());
      std::sort(names.begin(), names.end());
      product.Add(names, x * y);
    }
  }
  return product;
}

Polynomial Polynomial::Of(const IrExprPtr& e) {
  using Kind = IrExpr::Kind;
  Polynomial p;
  if (e->kind == Kind::kNumber) {
    if (const auto value = ParseInt(e->text)) {
      p.Add({}, *value);
      return p;
    }
  }
  if (e->kind == Kind::kBinary && e->text == "+") return Of(e->args[0]) + Of(e->args[1]);
  if (e->kind == Kind::kBinary && e->text == "-") return Of(e->args[0]) - Of(e->args[1]);
  if (e->kind == Kind::kBinary && e->text == "*") return Of(e->args[0]) * Of(e->args[1]);
  if (e->kind == Kind::kUnary && e->text == "-") return p - Of(e->args[0]);
  if (e->kind == Kind::kCast && e->type == IrType::kInt && e->args[0]->type == IrType::kInt) {
    return Of(e->args[0]);
  }
  if (e->kind == Kind::kName) {
    p.Add({e->text}, 1);
    return p;
  }
  const std::string text = "(" + ks::ToText(*e) + ")";
  p.Add({text}, 1);
  p.inside_[text] = NamesIn(e);
  return p;
}

bool Polynomial::IndependentOf(const std::string& name) const {
  for (const auto& [monomial, factor] : terms_) {
    for (const std::string& part : monomial) {
      const auto inside = inside_.find(part);
      if (part == name || (inside != inside_.end() && inside->second.count(name) > 0)) return false;
    }
  }
  return true;
}

std::optional<Polynomial> Polynomial::StrideOf(const std::string& name) const {
  Polynomial stride;
  stride.inside_ = inside_;
  for (const auto& [monomial, factor] : terms_) {
    Monomial rest;
    int count = 0;
    for (const std::string& part : monomial) {
      const auto inside = inside_.find(part);
      if (inside != inside_.end() && inside->second.count(name) > 0) return std::nullopt;
      if (part == name) {
        ++count;
      } else {
        rest.push_back(part);
      }
    }
    if (count > 1) return std::nullopt;
    if (count == 1) stride.Add(rest, factor);
  }
  return stride;
}

Polynomial Polynomial::Without(const std::string& name) const {
  Polynomial rest;
  rest.inside_ = inside_;
  for (const auto& [monomial, factor] : terms_) {
    if (std::find(monomial.begin(), monomial.end(), name) == monomial.end()) {
      rest.Add(monomial, factor);
    }
  }
  return rest;
}

std::optional<int64_t> Polynomial::Constant() const {
  if (terms_.empty()) return 0;
  if (terms_.size() == 1 && terms_.begin()->first.empty()) return terms_.begin()->second;
  return std::nullopt;
}

std::string Polynomial::ToText() const {
  std::string text;
  for (const auto& [monomial, factor] : terms_) {
    std::vector<std::string> parts = monomial;
    const int64_t size = factor < 0 ? -factor : factor;
    if (size != 1 || parts.empty()) parts.push_back(std::to_string(size));
    const std::string product = Join(parts, " * ");
    if (text.empty()) {
      text = factor < 0 ? "-" + product : product;
    } else {
      text += (factor < 0 ? " - " : " + ") + product;
    }
  }
  return text.empty() ? "0" : text;
}

}  // namespace ks
