#include "propose/cpp/expr.h"

#include <algorithm>

namespace ks {

Poly Poly::Constant(int64_t value) {
  Poly poly;
  poly.Add({}, value);
  return poly;
}

Poly Poly::Symbol(const std::string& name) {
  Poly poly;
  poly.Add({name}, 1);
  return poly;
}

Poly Poly::Opaque(const std::string& text, const std::set<std::string>& mentions,
                  bool non_negative) {
  const std::string name = (non_negative ? "{+" : "{") + text + "}";
  Poly poly = Symbol(name);
  poly.opaque_[name] = mentions;
  return poly;
}

void Poly::Add(const Monomial& monomial, int64_t coefficient) {
  const auto [at, inserted] = terms_.try_emplace(monomial, 0);
  at->second += coefficient;
  if (at->second == 0) terms_.erase(at);
}

Poly Poly::operator+(const Poly& other) const {
  Poly sum = *this;
  for (const auto& [monomial, coefficient] : other.terms_) sum.Add(monomial, coefficient);
  sum.opaque_.insert(other.opaque_.begin(), other.opaque_.end());
  return sum;
}

Poly Poly::operator-(const Poly& other) const { return *this + other * Constant(-1); }

Poly Poly::operator*(const Poly& other) const {
  Poly product;
  for (const auto& [left, left_coefficient] : terms_) {
    for (const auto& [right, right_coefficient] : other.terms_) {
      Monomial monomial = left;
      monomial.insert(monomial.end(), right.begin(), right.end());
      std::sort(monomial.begin(), monomial.end());
      product.Add(monomial, left_coefficient * right_coefficient);
    }
  }
  product.opaque_ = opaque_;
  product.opaque_.insert(other.opaque_.begin(), other.opaque_.end());
  return product;
}

std::optional<int64_t> Poly::AsConstant() const {
  if (terms_.empty()) return 0;
  if (terms_.size() == 1 && terms_.begin()->first.empty()) return terms_.begin()->second;
  return std::nullopt;
}

bool Poly::OpaqueMentions(const std::string& factor, const std::string& symbol) const {
  const auto opaque = opaque_.find(factor);
  return opaque != opaque_.end() &&
         (opaque->second.count(symbol) != 0 || opaque->second.count("*") != 0);
}

bool Poly::Mentions(const std::string& symbol) const {
  for (const auto& [monomial, coefficient] : terms_) {
    for (const std::string& factor : monomial) {
      if (factor == symbol || OpaqueMentions(factor, symbol)) return true;
    }
  }
  return false;
}

std::optional<Poly> Poly::Stride(const std::string& symbol) const {
  Poly stride;
  stride.opaque_ = opaque_;
  for (const auto& [monomial, coefficient] : terms_) {
    Monomial rest;
    int power = 0;
    for (const std::string& factor : monomial) {
      if (OpaqueMentions(factor, symbol)) return std::nullopt;
      if (factor == symbol) {
        ++power;
      } else {
        rest.push_back(factor);
      }
    }
    if (power > 1) return std::nullopt;
    if (power == 1) stride.Add(rest, coefficient);
  }
  return stride;
}

Poly Poly::Modulo(const std::string& symbol) const {
  Poly rest;
  rest.opaque_ = opaque_;
  for (const auto& [monomial, coefficient] : terms_) {
    if (std::find(monomial.begin(), monomial.end(), symbol) == monomial.end()) {
      rest.Add(monomial, coefficient);
    }
  }
  return rest;
}

Poly Poly::Substitute(const std::string& symbol, const Poly& value) const {
  Poly result;
  for (const auto& [monomial, coefficient] : terms_) {
    Poly term = Constant(coefficient);
    for (const std::string& factor : monomial) {
      term = term * (factor == symbol ? value : Symbol(factor));
    }
    result = result + term;
  }
  result.opaque_.insert(opaque_.begin(), opaque_.end());
  return result;
}

std::set<std::string> Poly::Symbols() const {
  std::set<std::string> symbols;
  for (const auto& [monomial, coefficient] : terms_) {
    symbols.insert(monomial.begin(), monomial.end());
  }
  return symbols;
}

bool Poly::HasOpaque() const {
  const std::set<std::string> symbols = Symbols();
  return std::any_of(opaque_.begin(), opaque_.end(),
                     [&](const auto& entry) { return symbols.count(entry.first) != 0; });
}

bool Poly::IsNonNegative() const {
  const auto all_positive = [](const Poly& poly) {
    return std::all_of(poly.terms_.begin(), poly.terms_.end(),
                       [](const auto& term) { return term.second >= 0; });
  };
  for (const std::string& symbol : Symbols()) {
    if (opaque_.count(symbol) != 0 && !symbol.starts_with("{+")) return false;
  }
  if (all_positive(*this)) return true;
  Poly shifted = *this;  // with every symbol written as 1 + something >= 0
  for (const std::string& symbol : Symbols()) {
    if (opaque_.count(symbol) != 0) continue;
    shifted = shifted.Substitute(symbol, Symbol(symbol) + Constant(1));
  }
  return all_positive(shifted);
}

std::string Poly::ToString() const {
  if (terms_.empty()) return "0";
  std::string text;
  for (auto term = terms_.rbegin(); term != terms_.rend(); ++term) {
    if (!text.empty()) text += " + ";
    std::string product;
    for (const std::string& factor : term->first) product += (product.empty() ? "" : "*") + factor;
    if (product.empty()) {
      text += std::to_string(term->second);
    } else {
      text += (term->second == 1 ? "" : std::to_string(term->second) + "*") + product;
    }
  }
  return text;
}

}  // namespace ks
