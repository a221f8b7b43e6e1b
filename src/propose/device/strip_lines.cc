#include "propose/device/strip_lines.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "propose/device/strip_place.h"
#include "propose/vector/affine_form.h"
#include "propose/vector/vector_plan.h"

namespace ks {
namespace {

using EKind = IrExpr::Kind;
using SKind = IrStmt::Kind;

constexpr int64_t kLongestWindow = 8;

bool ShortLoop(const IrStmt& s, int64_t* low, int64_t* high) {
  const auto from = Polynomial::Of(s.low).Constant(), to = Polynomial::Of(s.high).Constant();
  if (!from || !to || *to <= *from || *to - *from > kLongestWindow) return false;
  *low = *from;
  *high = *to;
  return true;
}

// acc = op(acc, term)
struct Update {
  std::string name, op;  // "+", or the call as it is spelled
  IrExprPtr term;
};

std::optional<Update> UpdateOf(const IrStmt& s) {
  if (s.kind != SKind::kAssign || s.target->kind != EKind::kName) return std::nullopt;
  Update update{s.target->text, "+", s.value};
  const auto is_own = [&](const IrExprPtr& e) {
    return e->kind == EKind::kName && e->text == update.name;
  };
  if (s.op == "=") {
    const IrExpr& value = *s.value;
    const bool adds = value.kind == EKind::kBinary && value.text == "+";
    const bool picks =
        value.kind == EKind::kCall && (value.spelled == "fmaxf" || value.spelled == "fminf");
    if ((!adds && !picks) || value.args.size() != 2) return std::nullopt;
    const bool left = is_own(value.args[0]);
    if (!left && !is_own(value.args[1])) return std::nullopt;
    if (picks) update.op = value.spelled;
    update.term = value.args[left ? 1 : 0];
  } else if (s.op != "+=") {
    return std::nullopt;
  }
  if (NamesIn(update.term).count(update.name) > 0) return std::nullopt;
  return update;
}

class LineEmitter {
 public:
  LineEmitter(const DeviceContext& context, const VirtualNest& nest, const LineForm& form)
      : nest_(nest),
        form_(form),
        text_(context.dialect(), nest.index_type),
        threads_(context.FreshName("STRIP_THREADS")),
        down_(context.FreshName("STRIPS_DOWN")),
        outputs_(context.FreshName("OUTPUTS")) {}

  std::optional<KernelRewrite> Emit();

 private:
  enum class Class { kFixed, kLine, kOwn, kOther };

  bool FindWindow();
  bool FindStrip();
  bool ReadAround();
  bool ReadWindow(const std::vector<IrStmt>& body, int depth);
  Class ClassOf(const IrExprPtr& e) const;
  bool MovesWithLine(const IrExprPtr& condition) const;
  const LoopHeader& strip() const { return nest_.grid[strip_]; }
  const LoopHeader& across() const { return nest_.grid.back(); }
  std::string Place() const;
  std::string EachOutput() const;
  std::string Inits() const;
  std::string Fixed() const;
  std::string Corners() const;
  std::string Lines(bool inside) const;
  // The window's statements for one line: what they load, or what they do with it.
  enum class Pass { kLoad, kUpdate };
  std::string WindowText(const std::vector<IrStmt>& body, Pass pass,
                         const std::string& where) const;
  std::string LoadText(const IrStmt& s) const;
  std::string UpdateText(const IrStmt& s) const;
  bool Joins(const IrStmt& s) const;
  std::string JoinText() const;
  std::string Slot(const IrStmt& s, size_t load) const;
  std::string Stores() const;

  const VirtualNest& nest_;
  const LineForm form_;
  const DeviceText text_;
  const std::string threads_, down_, outputs_;
  const IrStmt* window_ = nullptr;
  int64_t low_ = 0, high_ = 0, stride_ = 0;
  size_t strip_ = 0;
  std::map<std::string, const IrStmt*> accumulators_;  // their declarations
  const IrStmt* along_ = nullptr;                      // the window's loop along a line
  int64_t along_low_ = 0, along_high_ = 1;
  std::map<const IrStmt*, std::vector<IrExprPtr>> loads_;  // of updates, once a line
  std::vector<const IrStmt*> before_, after_;              // of one output
};

bool LineEmitter::FindWindow() {
  for (const IrStmt& s : nest_.body()) {
    if (s.kind != SKind::kFor) continue;
    if (window_ != nullptr || !ShortLoop(s, &low_, &high_) || high_ - low_ < 2) return false;
    window_ = &s;
  }
  return window_ != nullptr;
}

// The slowest-moving grid loop whose steps move what is read as so many steps of the window do.
bool LineEmitter::FindStrip() {
  for (size_t g = nest_.grid.size() - 1; g-- > 0;) {
    ForEachStmt(window_->body, [&](const IrStmt& s) {
      for (const IrExprPtr& e : ExprsOf(s)) {
        ForEachExpr(e, [&](const IrExpr& x) {
          if (stride_ > 0 || x.kind != EKind::kIndex) return;
          const Polynomial at = Polynomial::Of(x.args[0]);
          const auto along = at.StrideOf(nest_.grid[g].name), step = at.StrideOf(window_->name);
          if (!along || !step || along->IsZero() || step->IsZero()) return;
          Polynomial rest = *along;
          for (int64_t times = 1; times <= high_ - low_; ++times) {
            rest = rest - *step;
            if (rest.IsZero()) stride_ = times;
          }
        });
      }
    });
    if (stride_ == 0) continue;
    strip_ = g;
    return true;
  }
  return false;
}

// What an index or one side of a test depends on: a line (the strip and the window alike), the
// place in the window alone, or neither.
LineEmitter::Class LineEmitter::ClassOf(const IrExprPtr& e) const {
  const Polynomial form = Polynomial::Of(e);
  const auto along = form.StrideOf(strip().name), step = form.StrideOf(window_->name);
  if (!along || !step) return Class::kOther;
  if (along->IsZero()) return step->IsZero() ? Class::kFixed : Class::kOwn;
  Polynomial rest = *along;
  for (int64_t times = 0; times < stride_; ++times) rest = rest - *step;
  return rest.IsZero() && !MayWrapAround(e) ? Class::kLine : Class::kOther;
}

bool LineEmitter::MovesWithLine(const IrExprPtr& condition) const {
  static const std::set<std::string> kComparisons = {"<", "<=", ">", ">="};
  for (IrExprPtr part : Conjuncts(condition)) {
    while (part->kind == EKind::kCast) part = part->args[0];
    if (part->kind != EKind::kBinary || kComparisons.count(part->text) == 0 ||
        MayWrapAround(part)) {
      return false;
    }
    for (const IrExprPtr& side : part->args) {
      const Class is = ClassOf(side);
      bool reads = false;
      ForEachExpr(side, [&](const IrExpr& x) {
        // Every part of a test is computed, whatever the others say.
        const bool divides = x.kind == EKind::kBinary && (x.text == "/" || x.text == "%");
        reads = reads || divides || x.kind == EKind::kIndex || x.kind == EKind::kCall ||
                (x.kind == EKind::kName && accumulators_.count(x.text) > 0);
      });
      const bool linear =
          along_ == nullptr || Polynomial::Of(side).StrideOf(along_->name).has_value();
      if (reads || !linear || (is != Class::kFixed && is != Class::kLine)) return false;
    }
  }
  return true;
}

bool LineEmitter::ReadWindow(const std::vector<IrStmt>& body, int depth) {
  for (const IrStmt& s : body) {
    int64_t low = 0, high = 0;
    if (s.kind == SKind::kFor && depth < 1) {
      if (along_ != nullptr || !ShortLoop(s, &low, &high)) return false;
      along_ = &s;
      along_low_ = low;
      along_high_ = high;
      if (!ReadWindow(s.body, depth + 1)) return false;
    } else if (s.kind == SKind::kIf) {
      if (!s.other.empty() || !MovesWithLine(s.condition) || !ReadWindow(s.body, depth)) {
        return false;
      }
    } else if (s.kind == SKind::kBlock) {
      if (!ReadWindow(s.body, depth)) return false;
    } else {
      const auto update = UpdateOf(s);
      if (!update || accumulators_.count(update->name) == 0) return false;
      bool known = true;
      ForEachExpr(update->term, [&](const IrExpr& x) {
        if (x.kind == EKind::kName && accumulators_.count(x.text) > 0) known = false;
        if (x.kind != EKind::kIndex) return;
        const Class is = ClassOf(x.args[0]);
        bool nested = false;
        ForEachExpr(x.args[0],
                    [&](const IrExpr& y) { nested = nested || y.kind == EKind::kIndex; });
        known = known && is != Class::kOther && !nested;
      });
      // Beside what is loaded the strip's place may not matter.
      const std::function<void(const IrExprPtr&)> outside = [&](const IrExprPtr& e) {
        if (e->kind == EKind::kIndex) return;
        if (e->kind == EKind::kName && e->text == strip().name) known = false;
        for (const IrExprPtr& a : e->args) outside(a);
      };
      outside(update->term);
      if (!known) return false;
      const std::function<void(const IrExprPtr&)> collect = [&](const IrExprPtr& e) {
        if (e->kind == EKind::kIndex && ClassOf(e->args[0]) != Class::kOwn) {
          loads_[&s].push_back(e);
          return;
        }
        for (const IrExprPtr& a : e->args) collect(a);
      };
      collect(update->term);
    }
  }
  return true;
}

// Declarations in front of the window, of which those that it updates are the accumulators; stores
// and declarations behind it. What is stored nobody reads.
bool LineEmitter::ReadAround() {
  std::set<std::string> updated, window_names, read, written, moving = {strip().name};
  ForEachStmt(window_->body, [&](const IrStmt& s) {
    if (const auto update = UpdateOf(s)) updated.insert(update->name);
    for (const IrExprPtr& e : ExprsOf(s)) window_names.merge(NamesIn(e));
  });
  bool behind = false;
  size_t stores = 0;
  for (const IrStmt& s : nest_.body()) {
    if (&s == window_) {
      behind = true;
      continue;
    }
    if (s.kind == SKind::kDecl && !behind) {
      if (!s.value) return false;
      if (updated.count(s.name) > 0) {
        if (s.cpp_type != "float" && s.cpp_type != "double" && s.cpp_type != "int") return false;
        accumulators_[s.name] = &s;
      }
      for (const std::string& name : NamesIn(s.value)) {
        if (moving.count(name) > 0) moving.insert(s.name);
      }
      before_.push_back(&s);
    } else if (s.kind == SKind::kDecl || (s.kind == SKind::kAssign && behind)) {
      if (s.kind == SKind::kAssign && s.target->kind == EKind::kIndex) {
        if (s.op != "=" || !nest_.ir.IsParameter(s.target->text)) return false;
        written.insert(s.target->text);
        ++stores;
      }
      after_.push_back(&s);
    } else {
      return false;
    }
  }
  ForEachStmt(nest_.body(), [&](const IrStmt& s) {
    for (const IrExprPtr& e : ExprsOf(s)) {
      const bool target = s.kind == SKind::kAssign && e == s.target && e->kind == EKind::kIndex;
      ForEachExpr(target ? e->args[0] : e, [&](const IrExpr& x) {
        if (x.kind == EKind::kIndex) read.insert(x.text);
      });
    }
  });
  for (const std::string& array : written) {
    if (read.count(array) > 0) return false;
  }
  // A name of one output would mean the first one's in the window.
  moving.erase(strip().name);
  for (const std::string& name : moving) {
    if (accumulators_.count(name) == 0 && window_names.count(name) > 0) return false;
  }
  return accumulators_.size() == updated.size() && !updated.empty() && stores > 0 &&
         written.size() == stores;
}

std::string LineEmitter::Place() const {
  const std::string high = "(" + text_.Expr(strip().high) + ")";
  return StripPlace(text_, nest_, strip_, {threads_, down_, outputs_}) +
         "const int ks_count = " + high + " - ks_first < " + outputs_ + " ? (int)(" + high +
         " - ks_first) : " + outputs_ + ";\n";
}

std::string LineEmitter::EachOutput() const {
  return "#pragma unroll\nfor (int ks_output = 0; ks_output < " + outputs_ +
         "; ++ks_output) {\nif (ks_output < ks_count) {\nconst " + strip().cpp_type + " " +
         strip().name + " = ks_first + ks_output;\n";
}

std::string LineEmitter::Inits() const {
  std::string declarations, values;
  for (const auto& [name, declaration] : accumulators_) {
    declarations += declaration->cpp_type + " ks_of_" + name + "[" + outputs_ + "];\n";
  }
  for (const IrStmt* s : before_) {
    values += text_.Statement(*s);
    if (accumulators_.count(s->name) > 0) {
      values += "ks_of_" + s->name + "[ks_output] = " + s->name + ";\n";
    }
  }
  return declarations + EachOutput() + values + "}\n}\n";
}

// Where a load of an update is kept until all are made.
std::string LineEmitter::Slot(const IrStmt& s, size_t load) const {
  size_t number = load;
  for (const auto& [update, loads] : loads_) {
    if (update->begin < s.begin) number += loads.size();
  }
  const std::string along =
      along_ == nullptr ? "0" : along_->name + " - (" + std::to_string(along_low_) + ")";
  return "ks_value" + std::to_string(number) + "[ks_line - (" + std::to_string(low_) + ")][" +
         along + "]";
}

// An extremum of a loaded float and nothing else: what is not there can be no number, which
// fmaxf and fminf pass over, and the values of a line can be joined before outputs take them.
bool LineEmitter::Joins(const IrStmt& s) const {
  const Update update = *UpdateOf(s);
  const auto& loads = loads_.at(&s);
  return update.op != "+" && loads.size() == 1 && update.term == loads[0] &&
         nest_.ir.ElementOf(loads[0]->text) == "float" &&
         accumulators_.at(update.name)->cpp_type == "float";
}

std::string LineEmitter::LoadText(const IrStmt& s) const {
  std::string text;
  const auto& loads = loads_.at(&s);
  for (size_t i = 0; i < loads.size(); ++i) {
    text += Slot(s, i) + " = " + text_.Expr(loads[i]) + ";\n";
  }
  return text;
}

// Every output takes what the line holds for its own place in the window.
std::string LineEmitter::UpdateText(const IrStmt& s) const {
  const Update update = *UpdateOf(s);
  size_t count = 0;
  const auto found = loads_.find(&s);
  const std::function<IrExprPtr(const IrExprPtr&)> loaded = [&](const IrExprPtr& e) -> IrExprPtr {
    if (found != loads_.end() && count < found->second.size() && e == found->second[count]) {
      return MakeName(Slot(s, count++), e->type);
    }
    IrExpr copy = *e;
    for (IrExprPtr& a : copy.args) a = loaded(a);
    return std::make_shared<IrExpr>(std::move(copy));
  };
  const IrExprPtr term =
      Substitute(loaded(update.term), {{window_->name, MakeName("ks_place", IrType::kInt)}});
  const std::string own = "ks_of_" + update.name + "[ks_output]";
  const std::string value = update.op == "+"
                                ? own + " + " + text_.Expr(term)
                                : update.op + "(" + own + ", " + text_.Expr(term) + ")";
  return "#pragma unroll\nfor (int ks_output = 0; ks_output < " + outputs_ +
         "; ++ks_output) {\nconst int ks_place = ks_line - " + std::to_string(stride_) +
         " * ks_output;\nif (ks_place >= " + std::to_string(low_) + " && ks_place < " +
         std::to_string(high_) + ") " + own + " = " + value + ";\n}\n";
}

std::string Under(const std::string& condition, const std::string& text) {
  return (condition.empty() ? "" : "if (" + condition + ") ") + "{\n" + text + "}\n";
}

// No condition: everything lies inside. Tests are joined by &, not by &&: they become predicates of
// the loads instead of branches, which would keep loads from being under way together.
std::string LineEmitter::WindowText(const std::vector<IrStmt>& body, Pass pass,
                                    const std::string& where) const {
  std::string text;
  for (const IrStmt& s : body) {
    if (s.kind == SKind::kFor) {
      const std::string inside = WindowText(s.body, pass, where);
      if (inside.empty()) continue;
      text += "#pragma unroll\nfor (" + s.cpp_type + " " + s.name + " = " + text_.Expr(s.low) +
              "; " + s.name + " < " + text_.Expr(s.high) + "; ++" + s.name + ") {\n" + inside +
              "}\n";
    } else if (s.kind == SKind::kIf) {
      std::string inner = where;
      for (const IrExprPtr& part :
           where.empty() ? std::vector<IrExprPtr>() : Conjuncts(s.condition)) {
        inner += " & (" + text_.Expr(part) + ")";
      }
      text += WindowText(s.body, pass, inner);
    } else if (s.kind == SKind::kBlock) {
      text += WindowText(s.body, pass, where);
    } else if (loads_.count(&s) > 0 && pass == Pass::kLoad) {
      text += Under(where, LoadText(s));
    } else if (pass == Pass::kUpdate && (loads_.count(&s) == 0 || !Joins(s))) {
      text += Under(where, UpdateText(s));
    }
  }
  return text;
}

// Extrema of whole lines, and the outputs that take them.
std::string LineEmitter::JoinText() const {
  std::string text;
  for (const auto& [s, loads] : loads_) {
    if (!Joins(*s)) continue;
    const Update update = *UpdateOf(*s);
    const std::string slot = Slot(*s, 0), head = slot.substr(0, slot.rfind('['));
    text += "{\nfloat ks_joined = " + head + "[0];\n#pragma unroll\nfor (int ks_k = 1; ks_k < " +
            std::to_string(along_high_ - along_low_) + "; ++ks_k) ks_joined = " + update.op +
            "(ks_joined, " + head +
            "[ks_k]);\n#pragma unroll\nfor (int ks_output = 0; ks_output < " + outputs_ +
            "; ++ks_output) {\nconst int ks_place = ks_line - " + std::to_string(stride_) +
            " * ks_output;\nif (ks_place >= " + std::to_string(low_) + " && ks_place < " +
            std::to_string(high_) + ") ks_of_" + update.name + "[ks_output] = " + update.op +
            "(ks_of_" + update.name + "[ks_output], ks_joined);\n}\n}\n";
  }
  return text;
}

// Declarations that mean the same for all outputs.
std::string LineEmitter::Fixed() const {
  std::string fixed;
  std::set<std::string> moving = {strip().name};
  for (const IrStmt* s : before_) {
    bool moves = accumulators_.count(s->name) > 0;
    for (const std::string& name : NamesIn(s->value)) moves = moves || moving.count(name) > 0;
    if (moves) {
      moving.insert(s->name);
    } else {
      fixed += text_.Statement(*s);
    }
  }
  return fixed;
}

// Whether all tests hold for all that the thread reads: they are linear along and across lines, so
// that corners tell.
std::string LineEmitter::Corners() const {
  std::string tests;
  ForEachStmt(window_->body, [&](const IrStmt& s) {
    if (s.kind != SKind::kIf) return;
    for (const IrExprPtr& part : Conjuncts(s.condition)) tests += " & (" + text_.Expr(part) + ")";
  });
  std::string text = "bool ks_inside = ks_count == " + outputs_ + ";\n";
  if (tests.empty()) return text;
  for (const bool last : {false, true}) {
    for (const bool right : {false, true}) {
      text += "{\nconst " + strip().cpp_type + " " + strip().name + " = ks_first;\nconst " +
              window_->cpp_type + " " + window_->name + " = " +
              (last ? std::to_string(stride_) + " * (" + outputs_ + " - 1) + " +
                          std::to_string(high_ - 1)
                    : std::to_string(low_)) +
              ";\n";
      if (along_ != nullptr) {
        text += "const " + along_->cpp_type + " " + along_->name + " = " +
                std::to_string(right ? along_high_ - 1 : along_low_) + ";\n";
      }
      text += "ks_inside = ks_inside" + tests + ";\n}\n";
      if (along_ == nullptr) break;
    }
  }
  return text;
}

// The lines that windows of outputs of this thread hold; `ks_line` counts as the window of the
// first one does.
std::string LineEmitter::Lines(bool inside) const {
  const std::string stride = std::to_string(stride_), high = std::to_string(high_);
  const std::string lines = stride + " * (" + outputs_ + " - 1) + " + high;
  const std::string each = "#pragma unroll\nfor (int ks_line = " + std::to_string(low_) +
                           "; ks_line < " + lines + "; ++ks_line) {\n";
  const std::string used =
      inside ? "" : "(ks_line < " + stride + " * (ks_count - 1) + " + high + ")";
  const std::string place = "const " + window_->cpp_type + " " + window_->name + " = ks_line;\n";
  std::string declarations, empty;
  size_t number = 0;
  std::vector<const IrStmt*> updates;
  for (const auto& [s, loads] : loads_) updates.push_back(s);
  std::sort(updates.begin(), updates.end(),
            [](const IrStmt* a, const IrStmt* b) { return a->begin < b->begin; });
  const std::string places = std::to_string(along_high_ - along_low_);
  for (const IrStmt* s : updates) {
    for (const IrExprPtr& load : loads_.at(s)) {
      const std::string name = "ks_value" + std::to_string(number++);
      declarations += nest_.ir.ElementOf(load->text) + " " + name + "[" + lines + " - (" +
                      std::to_string(low_) + ")][" + places + "];\n";
      if (inside || !Joins(*s)) continue;
      empty += "#pragma unroll\nfor (int ks_k = 0; ks_k < " + places + "; ++ks_k) " + name +
               "[ks_line - (" + std::to_string(low_) + ")][ks_k] = __uint_as_float(0x7fc00000u);\n";
    }
  }
  return "{\nconst " + strip().cpp_type + " " + strip().name + " = ks_first;\n" + declarations +
         each + empty + place + WindowText(window_->body, Pass::kLoad, used) + "}\n" + each +
         place + WindowText(window_->body, Pass::kUpdate, used) + JoinText() + "}\n}\n";
}

std::string LineEmitter::Stores() const {
  std::string text;
  for (const IrStmt* s : before_) {
    text += accumulators_.count(s->name) > 0
                ? s->cpp_type + " " + s->name + " = ks_of_" + s->name + "[ks_output];\n"
                : text_.Statement(*s);
  }
  for (const IrStmt* s : after_) text += text_.Statement(*s);
  return EachOutput() + text + "}\n}\n";
}

std::optional<KernelRewrite> LineEmitter::Emit() {
  if (!text_.cuda() || nest_.cooperative || nest_.grid.size() < 2 || !NamesAreFree(nest_) ||
      !FindWindow() || !FindStrip() || !ReadAround() || !ReadWindow(window_->body, 0)) {
    return std::nullopt;
  }
  std::optional<KernelRewrite> rewrite = StripLaunch(nest_, strip_, {threads_, down_, outputs_},
                                                     {form_.threads, form_.down, form_.outputs});
  if (!rewrite) return std::nullopt;
  rewrite->body = Place() + Fixed() + Inits() + Corners() + "if (ks_inside) " + Lines(true) +
                  "else " + Lines(false) + Stores();
  return rewrite;
}

}  // namespace

std::optional<KernelRewrite> EmitStripLines(const DeviceContext& context, const VirtualNest& nest,
                                            const LineForm& form) {
  return LineEmitter(context, nest, form).Emit();
}

}  // namespace ks
