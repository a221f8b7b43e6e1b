#include "core/expr.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <utility>
#include <vector>

#include "base/text.h"

namespace ks {
namespace {

constexpr int kMaxDepth = 64;
constexpr double kMaxExtent = 1099511627776.0;  // 2^40

bool IsNameStart(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool IsDigit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }
bool IsInteger(double value) { return std::floor(value) == value && std::abs(value) <= 0x1p53; }

// What a function does; NaN: the argument is out of its domain.
struct Function {
  std::string_view name;
  int arguments = 2;
  bool integers = true;
  double (*apply)(double left, double right) = nullptr;
};

// By exponents: exact where std::log2 would round.
double FloorLog2(double value) {
  return value < 1 ? std::nan("") : static_cast<double>(std::ilogb(value));
}
double NextPowerOfTwo(double value) {
  if (value <= 1) return 1;
  const double below = std::ldexp(1.0, std::ilogb(value));
  return below == value ? value : 2 * below;
}

constexpr Function kFunctions[] = {
    {"min", 2, false, [](double a, double b) { return std::min(a, b); }},
    {"max", 2, false, [](double a, double b) { return std::max(a, b); }},
    {"ceil_div", 2, true, [](double a, double b) { return std::ceil(a / b); }},
    {"floor_div", 2, true, [](double a, double b) { return std::floor(a / b); }},
    {"round_up", 2, true, [](double a, double b) { return std::ceil(a / b) * b; }},
    {"next_pow2", 1, true, [](double a, double) { return NextPowerOfTwo(a); }},
    {"log2_floor", 1, true, [](double a, double) { return FloorLog2(a); }},
};

const Function* FindFunction(std::string_view name) {
  for (const Function& function : kFunctions) {
    if (function.name == name) return &function;
  }
  return nullptr;
}

// Recursive descent over the grammar in the header; evaluates while it parses.
class ExprParser {
 public:
  ExprParser(std::string_view text, const AxisValues& axes, ExprFault* fault)
      : text_(text), axes_(axes), fault_(fault) {}

  Result<double> Run() {
    KS_ASSIGN_OR_RETURN(const double value, Sum());
    SkipSpace();
    if (at_ < text_.size()) return Fail("expected an operator or the end");
    if (!std::isfinite(value)) return Fail("the value is not finite");
    return value;
  }

 private:
  Result<double> Sum() {
    if (++depth_ > kMaxDepth) return Fail("nested too deeply");
    KS_ASSIGN_OR_RETURN(double value, Product());
    while (true) {
      if (Take('+')) {
        KS_ASSIGN_OR_RETURN(const double right, Product());
        value += right;
      } else if (Take('-')) {
        KS_ASSIGN_OR_RETURN(const double right, Product());
        value -= right;
      } else {
        --depth_;
        return value;
      }
    }
  }

  Result<double> Product() {
    KS_ASSIGN_OR_RETURN(double value, Unary());
    while (true) {
      if (Take('*')) {
        KS_ASSIGN_OR_RETURN(const double right, Unary());
        value *= right;
      } else if (Take('/')) {
        KS_ASSIGN_OR_RETURN(const double right, Unary());
        if (right == 0) return Fail("division by zero");
        value /= right;
      } else if (Take('%')) {
        KS_ASSIGN_OR_RETURN(const double right, Unary());
        if (!IsInteger(value) || !IsInteger(right)) return Fail("'%' needs integers on both sides");
        if (right == 0) return Fail("division by zero");
        value = std::fmod(value, right);
      } else {
        return value;
      }
    }
  }

  Result<double> Unary() {
    bool negative = false;
    while (Take('-')) negative = !negative;
    KS_ASSIGN_OR_RETURN(const double value, Primary());
    return negative ? -value : value;
  }

  Result<double> Primary() {
    SkipSpace();
    if (Take('(')) {
      KS_ASSIGN_OR_RETURN(const double value, Sum());
      if (!Take(')')) return Fail("expected ')'");
      return value;
    }
    if (at_ >= text_.size()) return Fail("expected a number, a name or '('");
    if (IsDigit(text_[at_]) || text_[at_] == '.') return Number();
    if (IsNameStart(text_[at_])) return NameOrCall();
    return Fail("expected a number, a name or '('");
  }

  Result<double> Number() {
    const size_t start = at_;
    while (at_ < text_.size() && (IsDigit(text_[at_]) || text_[at_] == '.')) ++at_;
    if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
      size_t exponent = at_ + 1;
      if (exponent < text_.size() && (text_[exponent] == '+' || text_[exponent] == '-')) ++exponent;
      if (exponent < text_.size() && IsDigit(text_[exponent])) {
        at_ = exponent;
        while (at_ < text_.size() && IsDigit(text_[at_])) ++at_;
      }
    }
    const auto value = ParseDouble(text_.substr(start, at_ - start));
    if (!value) return FailAt(start, "expected a number");
    return *value;
  }

  Result<double> NameOrCall() {
    const size_t start = at_;
    while (at_ < text_.size() && (IsNameStart(text_[at_]) || IsDigit(text_[at_]))) ++at_;
    const std::string name(text_.substr(start, at_ - start));
    if (Take('(')) return Call(name, start);
    const auto axis = axes_.find(name);
    if (axis == axes_.end()) return FailAt(start, UnknownName(name));
    return static_cast<double>(axis->second);
  }

  Result<double> Call(const std::string& name, size_t start) {
    const Function* const function = FindFunction(name);
    if (function == nullptr) {
      return FailAt(start, fmt::format("unknown function '{}'; there are min, max, ceil_div, "
                                       "floor_div, round_up, next_pow2 and log2_floor",
                                       name));
    }
    KS_ASSIGN_OR_RETURN(const double left, Sum());
    double right = 1;
    if (function->arguments == 2) {
      if (!Take(',')) return Fail("expected ','");
      KS_ASSIGN_OR_RETURN(right, Sum());
    }
    if (!Take(')')) return Fail("expected ')'");
    if (function->integers && (!IsInteger(left) || !IsInteger(right))) {
      return FailAt(start, fmt::format("{} needs integers", name));
    }
    if (function->integers && right == 0) return FailAt(start, "division by zero");
    const double value = function->apply(left, right);
    if (std::isnan(value)) return FailAt(start, fmt::format("{} needs 1 or more", name));
    return value;
  }

  std::string UnknownName(const std::string& name) const {
    std::vector<std::string> names;
    for (const auto& [axis, value] : axes_) names.push_back(axis);
    const std::string near = NearestName(name, names);
    if (!near.empty()) return fmt::format("unknown name '{}'; did you mean '{}'?", name, near);
    return fmt::format("unknown name '{}'; there are: {}", name,
                       names.empty() ? "none" : Join(names, ", "));
  }

  void SkipSpace() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }
  bool Take(char c) {
    SkipSpace();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  Error Fail(std::string_view what) const { return FailAt(at_, what); }
  Error FailAt(size_t position, std::string_view what) const {
    if (fault_ != nullptr) *fault_ = {position, std::string(what)};
    return {ErrorCode::kInvalidArgument,
            fmt::format("expression '{}', column {}: {}", Shorten(text_, 80), position + 1, what)};
  }

  const std::string_view text_;
  const AxisValues& axes_;
  ExprFault* const fault_;
  size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Result<double> EvaluateExpr(std::string_view text, const AxisValues& axes, ExprFault* fault) {
  return ExprParser(text, axes, fault).Run();
}

Result<int64_t> EvaluateExtent(std::string_view text, const AxisValues& axes) {
  KS_ASSIGN_OR_RETURN(const double value, EvaluateExpr(text, axes));
  if (!IsInteger(value) || value < 0 || value > kMaxExtent) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("expression '{}' is {}; an extent must be an integer from 0 to 2^40",
                             Shorten(text, 80), value)};
  }
  return static_cast<int64_t>(value);
}

}  // namespace ks
