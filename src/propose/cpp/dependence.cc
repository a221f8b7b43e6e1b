#include "propose/cpp/dependence.h"

#include <algorithm>

#include "base/text.h"

namespace ks {
namespace {

Poly StepOf(const Loop& loop) {
  const std::optional<int64_t> number = ParseInt(loop.step);
  return number ? Poly::Constant(*number) : Poly::Symbol(loop.step);
}

constexpr size_t kMaxBounds = 16;

bool IsLocalTo(const Decl* decl, const Effects& effects) {
  return effects.declared.count(decl) != 0;
}

}  // namespace

std::set<std::string> Dependence::VariablesInside(const Loop& scope) const {
  std::set<std::string> variables;
  for (const Loop* loop : nest_->all()) {
    if (loop->canonical && scope.node.Contains(loop->node))
      variables.insert(loop->variable->symbol);
  }
  return variables;
}

std::vector<Poly> Dependence::Extremes(const Poly& poly, const std::set<std::string>& varying,
                                       bool largest) const {
  std::vector<Poly> results = {poly};
  // Inner variables first: their bounds may name outer ones.
  for (auto at = nest_->all().rbegin(); at != nest_->all().rend(); ++at) {
    const Loop& loop = **at;
    if (!loop.canonical || varying.count(loop.variable->symbol) == 0) continue;
    const std::string& symbol = loop.variable->symbol;
    std::vector<Poly> next;
    for (const Poly& value : results) {
      if (!value.Mentions(symbol)) {
        next.push_back(value);
        continue;
      }
      const std::optional<Poly> stride = value.Stride(symbol);
      if (!stride) continue;
      const bool up = stride->IsNonNegative();
      if (!up && !(Poly() - *stride).IsNonNegative()) continue;
      if (up != largest) {
        next.push_back(value.Substitute(symbol, nest_->function().ValueOf(loop.low)));
        continue;
      }
      for (const Poly& bound : nest_->UpperBounds(loop)) {
        next.push_back(value.Substitute(symbol, bound - Poly::Constant(1)));
      }
    }
    if (next.size() > kMaxBounds) next.resize(kMaxBounds);
    results = std::move(next);
  }
  return results;
}

bool Dependence::Distinct(const Access& a, const Access& b, const Loop& variable,
                          const Loop& scope) const {
  if (!variable.canonical) return false;
  std::set<std::string> varying = VariablesInside(scope);
  Poly left = a.index, right = b.index;
  // At most `distance` separates two values of left - right over all ranges.
  const auto within = [&](const Poly& first, const Poly& second, const Poly& distance) {
    // The two sides run through their ranges independently: rename by taking extremes one by one.
    for (const Poly& high : Extremes(first, varying, true)) {
      for (const Poly& low : Extremes(second, varying, false)) {
        if ((distance - Poly::Constant(1) - (high - low)).IsNonNegative()) return true;
      }
    }
    return false;
  };
  // The variable has the same stride on both sides and the rest spans less than one step of it.
  const auto separates = [&](const Loop& loop) {
    const std::string& symbol = loop.variable->symbol;
    const std::optional<Poly> stride = left.Stride(symbol), other = right.Stride(symbol);
    if (!stride || !other || !(*stride == *other) || stride->IsZero()) return false;
    if (!stride->IsNonNegative()) return false;
    const Poly own = *stride * Poly::Symbol(symbol);
    const Poly rest_left = left - own, rest_right = right - own;
    const Poly distance = *stride * StepOf(loop);
    return within(rest_left, rest_right, distance) && within(rest_right, rest_left, distance);
  };
  // The variable counts the places of a row, and all else selects a whole row: rest_left -
  // rest_right is a multiple of some size S, while the variable moves by less than S. So equal
  // elements have equal places. (Delinearisation of a two-dimensional index.)
  const auto separates_places = [&](const Loop& loop) {
    const std::string& symbol = loop.variable->symbol;
    const std::optional<Poly> stride = left.Stride(symbol), other = right.Stride(symbol);
    if (!stride || !other || !(*stride == *other) || stride->IsZero()) return false;
    const Poly own = *stride * Poly::Symbol(symbol);
    for (const std::string& inside : varying) {
      if (stride->Mentions(inside) || !(inside == symbol || BoundsIndependentOf(loop, inside))) {
        return false;
      }
    }
    for (const std::string& size : (left - own).Symbols()) {
      if (varying.count(size) != 0 || size == symbol) continue;
      const Poly place = (left - own).Modulo(size);
      if (!(place == (right - own).Modulo(size))) continue;
      if (std::any_of(varying.begin(), varying.end(),
                      [&](const std::string& inside) { return place.Mentions(inside); })) {
        continue;
      }
      for (const Poly& high : Extremes(own, {symbol}, true)) {
        for (const Poly& low : Extremes(own, {symbol}, false)) {
          if ((Poly::Symbol(size) - Poly::Constant(1) - (high - low)).IsNonNegative()) return true;
        }
      }
    }
    return false;
  };
  for (size_t round = 0; round <= nest_->all().size(); ++round) {
    if (separates(variable) || separates_places(variable)) return true;
    // Peel a variable that must be equal on both sides; then it is a constant.
    const Loop* peeled = nullptr;
    for (const std::string& symbol : varying) {
      const Loop* loop = nest_->FindVariable(symbol);
      if (loop == nullptr || loop == &variable) continue;
      if (!separates(*loop) && !separates_places(*loop)) continue;
      peeled = loop;
      break;
    }
    if (peeled == nullptr) return false;
    const std::string symbol = peeled->variable->symbol;
    const Poly own = *left.Stride(symbol) * Poly::Symbol(symbol);
    left = left - own;
    right = right - own;
    varying.erase(symbol);
  }
  return false;
}

bool Dependence::Separate(const Access& a, const Access& b) const {
  if (a.base == b.base) return false;
  return distinct_arguments_ || a.base->kind == DeclKind::kArray ||
         b.base->kind == DeclKind::kArray;
}

bool Dependence::ScalarsArePrivate(const Loop& loop, const Effects& effects,
                                   const std::vector<Reduction>& reductions) const {
  for (const ScalarUse& use : effects.scalars) {
    if (!use.write || use.decl == loop.variable || IsLocalTo(use.decl, effects)) continue;
    const bool reduced = std::any_of(reductions.begin(), reductions.end(),
                                     [&](const Reduction& r) { return r.accumulator == use.decl; });
    if (!reduced) return false;
  }
  return true;
}

bool Dependence::Free(const Loop& loop, const std::vector<Reduction>& reductions) const {
  if (!loop.canonical) return false;
  const Effects effects = EffectsOf(nest_->function(), loop.body);
  if (!effects.understood || effects.jumps_out) return false;
  if (!ScalarsArePrivate(loop, effects, reductions)) return false;
  for (const Access& write : effects.accesses) {
    if (!write.write || IsLocalTo(write.base, effects)) continue;
    for (const Access& other : effects.accesses) {
      if (Separate(write, other)) continue;
      if (write.base != other.base || !Distinct(write, other, loop, loop)) return false;
    }
  }
  return true;
}

bool Dependence::BoundsIndependentOf(const Loop& loop, const std::string& symbol) const {
  if (!loop.canonical) return false;
  if (nest_->function().ValueOf(loop.low).Mentions(symbol)) return false;
  const std::vector<Poly> bounds = nest_->UpperBounds(loop);
  return std::none_of(bounds.begin(), bounds.end(),
                      [&](const Poly& bound) { return bound.Mentions(symbol); });
}

bool Dependence::MayInterchange(const Loop& outer, const Loop& inner) const {
  if (!outer.canonical || !inner.canonical || outer.PerfectChild() != &inner) return false;
  if (!BoundsIndependentOf(inner, outer.variable->symbol)) return false;
  const Effects effects = EffectsOf(nest_->function(), inner.body);
  if (!effects.understood || effects.jumps_out || effects.has_continue) return false;
  if (!ScalarsArePrivate(inner, effects, {})) return false;
  for (const Access& write : effects.accesses) {
    if (!write.write || IsLocalTo(write.base, effects)) continue;
    for (const Access& other : effects.accesses) {
      if (Separate(write, other)) continue;
      if (write.base != other.base) return false;
      if (!Distinct(write, other, outer, outer) && !Distinct(write, other, inner, outer)) {
        return false;
      }
    }
  }
  return true;
}

bool Dependence::Commute(const Effects& a, const Effects& b) const {
  if (!a.understood || !b.understood || a.jumps_out || b.jumps_out) return false;
  const auto conflicts = [&](const Effects& writer, const Effects& other) {
    for (const Access& write : writer.accesses) {
      if (!write.write) continue;
      for (const Access& access : other.accesses) {
        if (!Separate(write, access)) return true;
      }
    }
    return std::any_of(writer.scalars.begin(), writer.scalars.end(), [&](const ScalarUse& use) {
      return use.write && (other.Reads(use.decl) || other.Writes(use.decl));
    });
  };
  return !conflicts(a, b) && !conflicts(b, a);
}

}  // namespace ks
