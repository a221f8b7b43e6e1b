// Skill stencil_strips: a thread makes several outputs that share what they read.
#include <algorithm>
#include <set>

#include "base/text.h"
#include "propose/device/device_text.h"
#include "propose/device/skills.h"
#include "propose/device/strip_lines.h"
#include "propose/device/strip_place.h"
#include "propose/vector/affine_form.h"
#include "propose/vector/vector_plan.h"

namespace ks {
namespace {

using EKind = IrExpr::Kind;
using SKind = IrStmt::Kind;

constexpr int64_t kLongestWindow = 8;

struct Range {
  int64_t low = 0, high = 0;  // high: the last value
};

// How the work is dealt out: threads of a block along a row and down, outputs of a thread.
struct StripForm {
  int threads = 32, down = 8, outputs = 4;
  // At the border all outputs of a thread are made at once as well: its loads wait for one another
  // once instead of once an output, for more registers.
  bool flat_border = false;
};

// A kernel whose loops are all short and of constant length, over a window that moves with the
// grid.
struct Stencil {
  size_t strip = 0;                     // grid loop of which a thread takes several places
  std::map<std::string, Range> window;  // the loops of one thread
  std::vector<const IrStmt*> guards;    // conditions that hold in the interior
  std::set<std::string> locals;         // that one output declares
  std::set<std::string> unsigned_names;
  std::vector<std::string> interior;  // what has to hold there, for the first output of a thread
};

IrExprPtr Uncast(IrExprPtr e) {
  while (e->kind == EKind::kCast) e = e->args[0];
  return e;
}

bool FindWindow(const std::vector<IrStmt>& body, Stencil* out) {
  for (const IrStmt& s : body) {
    if (s.kind == SKind::kFor) {
      const auto low = Polynomial::Of(s.low).Constant(), high = Polynomial::Of(s.high).Constant();
      if (!low || !high || *high <= *low || *high - *low > kLongestWindow) return false;
      if (WrapsAround(s.cpp_type)) out->unsigned_names.insert(s.name);
      out->window[s.name] = {*low, *high - 1};
    }
    if (!FindWindow(s.body, out) || !FindWindow(s.other, out)) return false;
  }
  return true;
}

// The slowest-moving grid loop (the fastest stays with the threads) along which neighbours read the
// same elements: some index moves with it as with a loop of the window.
bool FindStrip(const VirtualNest& nest, Stencil* out) {
  for (size_t g = nest.grid.size() - 1; g-- > 0;) {
    bool shared = false;
    ForEachStmt(nest.body(), [&](const IrStmt& s) {
      for (const IrExprPtr& e : ExprsOf(s)) {
        ForEachExpr(e, [&](const IrExpr& x) {
          if (x.kind != EKind::kIndex) return;
          const Polynomial at = Polynomial::Of(x.args[0]);
          const auto along = at.StrideOf(nest.grid[g].name);
          for (const auto& [name, range] : out->window) {
            const auto step = at.StrideOf(name);
            shared = shared || (along && step && !along->IsZero() && *along == *step);
          }
        });
      }
    });
    if (!shared) continue;
    out->strip = g;
    return true;
  }
  return false;
}

// Stores go to arrays that are not read, each once an output and under no condition; what they say
// of their place uses no local.
bool StoresAreLast(const VirtualNest& nest, Stencil* out) {
  std::set<std::string> read, written;
  std::set<std::string>& locals = out->locals;
  size_t top = 0, all = 0;
  ForEachStmt(nest.body(), [&](const IrStmt& s) {
    if (s.kind == SKind::kDecl) locals.insert(s.name);
    for (const IrExprPtr& e : ExprsOf(s)) {
      const bool store = s.kind == SKind::kAssign && e == s.target && e->kind == EKind::kIndex;
      if (store) {
        ++all;
        written.insert(e->text);
      }
      ForEachExpr(store ? e->args[0] : e, [&](const IrExpr& x) {
        if (x.kind == EKind::kIndex) read.insert(x.text);
      });
    }
  });
  bool plain = true;
  for (const IrStmt& s : nest.body()) {
    if (s.kind != SKind::kAssign || s.target->kind != EKind::kIndex) continue;
    ++top;
    plain = plain && s.op == "=" && nest.ir.IsParameter(s.target->text) &&
            read.count(s.target->text) == 0;
    for (const std::string& name : NamesIn(s.target->args[0]))
      plain = plain && locals.count(name) == 0;
  }
  return plain && top == all && top > 0 && written.size() == all;
}

// `comparison` for the place of the window and of the strip where it is hardest; it then holds
// everywhere between. Empty: it is not linear in them.
std::optional<std::string> Hardest(const DeviceText& text, const IrExprPtr& comparison,
                                   const Stencil& stencil, const LoopHeader& strip,
                                   const std::string& outputs) {
  static const std::set<std::string> kLess = {"<", "<="}, kMore = {">", ">="};
  const bool less = kLess.count(comparison->text) > 0;
  if (comparison->kind != EKind::kBinary || (!less && kMore.count(comparison->text) == 0))
    return std::nullopt;
  const Polynomial difference =
      Polynomial::Of(comparison->args[1]) - Polynomial::Of(comparison->args[0]);
  std::map<std::string, IrExprPtr> at;
  for (const auto& [name, range] : stencil.window) {
    const auto stride = difference.StrideOf(name);
    const auto factor = stride ? stride->Constant() : std::nullopt;
    if (!stride || (!factor && !stride->IsZero())) return std::nullopt;
    const bool falls = (factor.value_or(0) < 0) == less;
    at[name] = MakeNumber(falls ? range.high : range.low);
  }
  const auto stride = difference.StrideOf(strip.name);
  const auto factor = stride ? stride->Constant() : std::nullopt;
  if (!stride || (!factor && !stride->IsZero())) return std::nullopt;
  if (factor.value_or(0) != 0 && (*factor < 0) == less) {
    at[strip.name] =
        MakeBinary("+", MakeName(strip.name, IrType::kInt),
                   MakeBinary("-", MakeName(outputs, IrType::kInt), MakeNumber(1), IrType::kInt),
                   IrType::kInt);
  }
  // unsigned(h + k) < height also says that h + k is not negative: hardest at two places.
  if (MayWrapAround(comparison)) return std::nullopt;
  for (const std::string& name : NamesIn(comparison)) {
    if (stencil.unsigned_names.count(name) > 0) return std::nullopt;
  }
  bool data = false;  // of one output: not known in front of them
  ForEachExpr(comparison, [&](const IrExpr& x) {
    data = data || x.kind == EKind::kIndex || x.kind == EKind::kCall ||
           (x.kind == EKind::kName && stencil.locals.count(x.text) > 0);
  });
  if (data) return std::nullopt;
  return "(" + text.Expr(Substitute(comparison, at)) + ")";
}

void FindGuards(const DeviceText& text, const VirtualNest& nest, const std::vector<IrStmt>& body,
                const std::string& outputs, Stencil* out) {
  for (const IrStmt& s : body) {
    FindGuards(text, nest, s.body, outputs, out);
    FindGuards(text, nest, s.other, outputs, out);
    if (s.kind != SKind::kIf || !s.other.empty()) continue;
    const std::vector<IrExprPtr> parts = Conjuncts(s.condition);
    std::vector<std::string> hardest;
    for (const IrExprPtr& part : parts) {
      const auto one = Hardest(text, Uncast(part), *out, nest.grid[out->strip], outputs);
      if (one) hardest.push_back(*one);
    }
    if (hardest.size() != parts.size()) continue;
    out->guards.push_back(&s);
    for (std::string& one : hardest) {
      if (std::find(out->interior.begin(), out->interior.end(), one) == out->interior.end()) {
        out->interior.push_back(std::move(one));
      }
    }
  }
}

class StripEmitter {
 public:
  StripEmitter(const DeviceContext& context, const VirtualNest& nest, Stencil stencil)
      : nest_(nest), stencil_(std::move(stencil)), text_(context.dialect(), nest.index_type) {
    threads_ = context.FreshName("STRIP_THREADS");
    down_ = context.FreshName("STRIPS_DOWN");
    outputs_ = context.FreshName("OUTPUTS");
    for (const LoopHeader& loop : nest.grid) {
      if (WrapsAround(loop.cpp_type)) stencil_.unsigned_names.insert(loop.name);
    }
    for (const IrParameter& parameter : nest.ir.parameters) {
      const bool wraps = !parameter.pointer && WrapsAround(parameter.element);
      if (wraps) stencil_.unsigned_names.insert(parameter.name);
    }
    FindGuards(text_, nest, nest.body(), outputs_, &stencil_);
  }

  std::optional<KernelRewrite> Emit(const StripForm& form) const;

 private:
  const LoopHeader& strip() const { return nest_.grid[stencil_.strip]; }
  const LoopHeader& across() const { return nest_.grid.back(); }
  std::string Place() const;
  std::string Interior() const;
  std::string Body(bool interior) const;
  std::string StripVariable() const {
    return "const " + strip().cpp_type + " " + strip().name + " = ks_first + ks_output;\n";
  }
  std::string EachOutput() const {
    return "#pragma unroll\nfor (int ks_output = 0; ks_output < " + outputs_ +
           "; ++ks_output) {\n" + StripVariable();
  }

  const VirtualNest& nest_;
  Stencil stencil_;
  const DeviceText text_;
  std::string threads_, down_, outputs_;
};

std::string StripEmitter::Place() const {
  return StripPlace(text_, nest_, stencil_.strip, {threads_, down_, outputs_});
}

// The statements of one output: loops of the window unrolled; inside, guards that hold are left out
// and stores wait until everything is read.
std::string StripEmitter::Body(bool interior) const {
  size_t stores = 0;
  DeviceText::Replace replace;
  replace = [&](const IrStmt& s) -> std::optional<std::string> {
    if (s.kind == SKind::kFor) {
      return "#pragma unroll\nfor (" + s.cpp_type + " " + s.name + " = " + text_.Expr(s.low) +
             "; " + s.name + " < " + text_.Expr(s.high) + "; ++" + s.name + ") {\n" +
             text_.Statements(s.body, replace) + "}\n";
    }
    if (!interior) return std::nullopt;
    if (s.kind == SKind::kIf) {
      const auto& guards = stencil_.guards;
      if (std::find(guards.begin(), guards.end(), &s) == guards.end()) return std::nullopt;
      return "{\n" + text_.Statements(s.body, replace) + "}\n";
    }
    if (s.kind != SKind::kAssign || s.target->kind != EKind::kIndex) return std::nullopt;
    return "ks_made" + std::to_string(stores++) + "[ks_output] = " + text_.Expr(s.value) + ";\n";
  };
  return text_.Statements(nest_.body(), replace);
}

std::string StripEmitter::Interior() const {
  std::string declarations, stores;
  size_t count = 0;
  for (const IrStmt& s : nest_.body()) {
    if (s.kind != SKind::kAssign || s.target->kind != EKind::kIndex) continue;
    const std::string made = "ks_made" + std::to_string(count++);
    declarations += nest_.ir.ElementOf(s.target->text) + " " + made + "[" + outputs_ + "];\n";
    stores += text_.Expr(s.target) + " = " + made + "[ks_output];\n";
  }
  return declarations + EachOutput() + Body(true) + "}\n" + EachOutput() + stores + "}\n";
}

std::optional<KernelRewrite> StripEmitter::Emit(const StripForm& form) const {
  std::optional<KernelRewrite> rewrite = StripLaunch(
      nest_, stencil_.strip, {threads_, down_, outputs_}, {form.threads, form.down, form.outputs});
  if (!rewrite) return std::nullopt;
  const std::string high = "(" + text_.Expr(strip().high) + ")";
  std::vector<std::string> inside = {"ks_first + " + outputs_ + " <= " + high};
  inside.insert(inside.end(), stencil_.interior.begin(), stencil_.interior.end());
  rewrite->body = Place() + "bool ks_inside = false;\n{\nconst " + strip().cpp_type + " " +
                  strip().name + " = ks_first;\nks_inside = " + Join(inside, " && ") +
                  ";\n}\nif (ks_inside) {\n" + Interior() + "} else {\n#pragma unroll" +
                  (form.flat_border ? "" : " 1") + "\nfor (int ks_output = 0; ks_output < " +
                  outputs_ + "; ++ks_output) {\n" + StripVariable() + "if (" + strip().name +
                  " >= " + high + ") break;\n" + Body(false) + "}\n}\n";
  return rewrite;
}

class StencilStripsSkill final : public DeviceSkill {
 public:
  std::string name() const override { return "stencil_strips"; }
  std::string_view summary() const override {
    return "Neighbouring outputs of a stencil or a pooling read mostly the same elements. Let each "
           "thread make several along a slower axis with its window unrolled, so that what they "
           "share stays in registers; where all of a thread's windows lie inside, the checks of "
           "the "
           "border are one test.";
  }

  std::vector<Edit> Edits(const DeviceContext& context) const override {
    std::vector<Edit> edits;
    for (const DeviceKernel& kernel : context.kernels()) {
      if (context.IsTriton()) continue;
      const std::optional<VirtualNest> nest = BuildVirtualNest(context, kernel);
      if (!nest || nest->cooperative || nest->grid.size() < 2 || !NamesAreFree(*nest)) continue;
      AddLines(context, kernel, *nest, edits);
      Stencil stencil;
      if (!FindWindow(nest->body(), &stencil) || stencil.window.empty() ||
          !StoresAreLast(*nest, &stencil) || !FindStrip(*nest, &stencil)) {
        continue;
      }
      const StripEmitter emitter(context, *nest, std::move(stencil));
      double gain = 1.8;
      static constexpr StripForm kForms[] = {
          {32, 8, 4, false},  {32, 8, 8, true}, {32, 8, 4, true}, {64, 4, 4, false},
          {128, 2, 8, false}, {64, 4, 8, true}, {32, 8, 2, false}};
      for (const StripForm& form : kForms) {
        const auto rewrite = emitter.Emit(form);
        auto source = rewrite ? ReplaceKernel(context, *nest, *rewrite) : std::nullopt;
        if (!source) continue;
        edits.push_back({*std::move(source),
                         "Make " + std::to_string(form.outputs) + " outputs of " + kernel.name +
                             " a thread" +
                             (form.flat_border ? ", at the border all at once." : "."),
                         EditKind::kStrategy, gain});
        gain *= 0.95;
      }
    }
    return edits;
  }

 private:
  static void AddLines(const DeviceContext& context, const DeviceKernel& kernel,
                       const VirtualNest& nest, std::vector<Edit>& edits) {
    double gain = 1.85;
    static constexpr LineForm kForms[] = {{32, 8, 8}, {32, 8, 4}, {64, 4, 8}, {32, 4, 16}};
    for (const LineForm& form : kForms) {
      const auto rewrite = EmitStripLines(context, nest, form);
      auto source = rewrite ? ReplaceKernel(context, nest, *rewrite) : std::nullopt;
      if (!source) continue;
      edits.push_back({*std::move(source),
                       "Make " + std::to_string(form.outputs) + " outputs of " + kernel.name +
                           " a thread, line by line of what they read.",
                       EditKind::kStrategy, gain});
      gain *= 0.95;
    }
  }
};

}  // namespace

std::unique_ptr<DeviceSkill> NewStencilStripsSkill() {
  return std::make_unique<StencilStripsSkill>();
}

}  // namespace ks
