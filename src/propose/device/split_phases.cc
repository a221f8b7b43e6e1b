#include "propose/device/split_phases.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "core/expr.h"
#include "core/launch_plan_edit.h"
#include "propose/device/device_text.h"
#include "propose/device/triton_text.h"

namespace ks {
namespace {

using EKind = IrExpr::Kind;
using SKind = IrStmt::Kind;
using RKind = LaneReduction::Kind;

constexpr int kThreads = 128;
constexpr int64_t kLargestIndex = int64_t{1} << 31;

std::string ScratchType(const std::string& type) {
  if (type == "float") return "f32";
  if (type == "double") return "f64";
  if (type == "int" || type == "int32_t") return "i32";
  if (type == "long" || type == "int64_t" || type == "long long") return "i64";
  return "";
}

std::set<std::string> ArraysIn(const IrStmt& s, bool written) {
  std::set<std::string> arrays;
  const auto visit = [&](const IrStmt& inner) {
    for (const IrExprPtr& e : ExprsOf(inner)) {
      const bool target = inner.kind == SKind::kAssign && e == inner.target;
      ForEachExpr(e, [&](const IrExpr& x) {
        if (x.kind != EKind::kIndex) return;
        if (written == (target && &x == e.get())) arrays.insert(x.text);
      });
    }
  };
  ForEachStmt({s}, visit);
  return arrays;
}

class Writer {
 public:
  Writer(const DeviceContext& context, const DeviceKernel& kernel, const VirtualNest& nest,
         const RowPlan& plan, const SplitForm& form)
      : context_(context),
        kernel_(kernel),
        nest_(nest),
        plan_(plan),
        form_(form),
        launch_(*context.launches()[nest.launch]),
        text_(context.dialect(), nest.index_type) {}

  std::optional<SplitKernel> Write();

 private:
  struct Partial {
    std::string buffer, type;
  };

  bool Admissible() const;
  bool Accumulates(const std::string& name) const;
  bool NamePartials();
  std::string Place(bool split) const;
  std::string Flat() const;
  std::string Combine(const SharedLoop& loop) const;
  std::string Piece(const SharedLoop& loop) const;
  std::string Stores(const SharedLoop& loop) const;
  std::string WithoutFirstValue(const IrStmt& s, const SharedLoop& loop) const;
  std::string Body(size_t phase) const;
  std::string Function(const std::string& name, const std::string& body) const;
  std::string Text(const std::vector<std::string>& bodies, SplitKernel* out) const;
  std::optional<std::string> WithPlan(std::string source, const SplitKernel& kernels) const;
  std::string Grid(bool split) const {
    return "ceil_div(" + extent_ + (split ? "*" + parts_ : "") + ", " + std::to_string(kThreads) +
           ")";
  }

  const DeviceContext& context_;
  const DeviceKernel& kernel_;
  const VirtualNest& nest_;
  const RowPlan& plan_;
  const SplitForm form_;
  const PlanLaunch& launch_;
  const DeviceText text_;
  std::string parts_, part_, chunk_, at_, extent_;  // names; extent_: of the plan
  std::map<std::string, Partial> partials_;         // by reduction
};

bool Writer::Admissible() const {
  if (plan_.conditional || launch_.cooperative || !launch_.cluster.text.empty()) return false;
  std::set<std::string> written;
  size_t found = 0;
  const IrStmt* last = nullptr;
  for (const IrStmt& s : nest_.body()) {
    const SharedLoop* shared = s.kind == SKind::kFor ? plan_.Find(s) : nullptr;
    if (shared == nullptr) continue;
    ++found;
    last = &s;
    written.merge(ArraysIn(s, true));
    for (const LaneReduction& r : shared->reductions) {
      if (r.scan || !r.index.empty() || ScratchType(TypeOfLocal(nest_, r.name)).empty()) {
        return false;
      }
    }
  }
  if (found != plan_.loops.size() || found == 0) return false;
  const bool last_reduces = !plan_.Find(*last)->reductions.empty();
  bool behind = false;
  for (const IrStmt& s : nest_.body()) {
    behind = behind || &s == last;
    if (s.kind == SKind::kFor && plan_.Find(s) != nullptr) continue;
    // Every launch runs this anew: it must find what it found before.
    for (const std::string& array : ArraysIn(s, false)) {
      if (written.count(array) > 0) return false;
    }
    if (s.kind == SKind::kAssign && s.target->kind == EKind::kName && !behind &&
        Accumulates(s.target->text)) {
      return false;  // its first value would be lost
    }
    if (!ArraysIn(s, true).empty() && (!behind || !last_reduces)) return false;
  }
  return true;
}

bool Writer::Accumulates(const std::string& name) const {
  return std::any_of(plan_.loops.begin(), plan_.loops.end(), [&](const SharedLoop& loop) {
    return std::any_of(loop.reductions.begin(), loop.reductions.end(),
                       [&](const LaneReduction& r) { return r.name == name; });
  });
}

bool Writer::NamePartials() {
  for (const SharedLoop& loop : plan_.loops) {
    for (const LaneReduction& r : loop.reductions) {
      // A local that two loops accumulate would have two sets of parts.
      if (partials_.count(r.name) > 0) return false;
      partials_[r.name] = {context_.FreshName("partial_" + r.name), TypeOfLocal(nest_, r.name)};
    }
  }
  return !partials_.empty();
}

// The loops of the grid from one flat thread index.
std::string Writer::Place(bool split) const {
  const std::string type = "const " + nest_.index_type + " ";
  const std::string outputs = text_.ExtentText(nest_.grid);
  std::string index = "blockIdx.x * blockDim.x + threadIdx.x";
  if (nest_.index_type == "int64_t")
    index = "static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x";
  if (!text_.cuda()) index = "get_global_id(0)";
  std::string body = type + at_ + " = " + index + ";\n";
  body += "if (" + at_ + " >= " + outputs + (split ? " * " + parts_ : "") + ") return;\n";
  std::string divisor;
  for (size_t i = nest_.grid.size(); i-- > 0;) {
    const LoopHeader& loop = nest_.grid[i];
    const std::string extent = "(" + text_.Expr(loop.high) + ")";
    std::string value = at_ + (divisor.empty() ? "" : " / (" + divisor + ")");
    if (i > 0 || split) value += " % " + extent;
    body += type + loop.name + " = " + value + ";\n";
    divisor += (divisor.empty() ? "" : " * ") + extent;
  }
  if (split) body += type + part_ + " = " + at_ + " / (" + divisor + ");\n";
  return body;
}

std::string Writer::Flat() const {
  std::string flat;
  for (const LoopHeader& loop : nest_.grid) {
    flat = flat.empty() ? loop.name
                        : "(" + flat + ") * (" + text_.Expr(loop.high) + ") + " + loop.name;
  }
  return flat;
}

std::string Writer::Combine(const SharedLoop& loop) const {
  std::string body;
  for (const LaneReduction& r : loop.reductions) {
    const std::string part = partials_.at(r.name).buffer + "[" + part_ + " * " +
                             text_.ExtentText(nest_.grid) + " + " + Flat() + "]";
    std::string update = r.name + " += " + part;
    if (r.kind == RKind::kProduct) update = r.name + " *= " + part;
    if (r.kind == RKind::kMax || r.kind == RKind::kMin) {
      update = r.name + " = " + part + (r.kind == RKind::kMax ? " > " : " < ") + r.name + " ? " +
               part + " : " + r.name;
    }
    body += "for (" + nest_.index_type + " " + part_ + " = 0; " + part_ + " < " + parts_ + "; ++" +
            part_ + ") {\n" + update + ";\n}\n";
  }
  return body;
}

// The loop over one part of its range.
std::string Writer::Piece(const SharedLoop& shared) const {
  const IrStmt& loop = *shared.loop;
  const std::string low = "(" + text_.Expr(loop.low) + ")",
                    high = "(" + text_.Expr(loop.high) + ")";
  const bool zero = low == "(0)";
  std::string body;
  const std::string range = zero ? high : high + " - " + low;
  const std::string size = "((" + range + " + " + parts_ + " - 1) / " + parts_ + ")";
  const std::string first = (zero ? "" : low + " + ") + part_ + " * " + size;
  const std::string head = "for (" + loop.cpp_type + " ";
  const std::string inside = text_.Statements(loop.body);
  if (form_.equal_parts) {
    return body + head + chunk_ + " = 0; " + chunk_ + " < " + size + "; ++" + chunk_ +
           ") {\nconst " + loop.cpp_type + " " + loop.name + " = " + first + " + " + chunk_ +
           ";\nif (" + loop.name + " < " + high + ") {\n" + inside + "}\n}\n";
  }
  const std::string end = first + " + " + size;
  return body + head + loop.name + " = " + first + "; " + loop.name + " < (" + end + " < " + high +
         " ? " + end + " : " + high + "); ++" + loop.name + ") {\n" + inside + "}\n";
}

std::string Writer::Stores(const SharedLoop& loop) const {
  std::string body;
  for (const LaneReduction& r : loop.reductions) {
    body += partials_.at(r.name).buffer + "[" + part_ + " * " + text_.ExtentText(nest_.grid) +
            " + " + Flat() + "] = " + r.name + ";\n";
  }
  return body;
}

// The statement; a sum of `loop` begins with nothing, its first value is added when parts combine.
std::string Writer::WithoutFirstValue(const IrStmt& s, const SharedLoop& loop) const {
  IrStmt copy = s;
  for (const LaneReduction& r : loop.reductions) {
    if (s.kind != SKind::kDecl || s.name != r.name) continue;
    if (r.kind == RKind::kSum) copy.value = MakeNumber(0);
    if (r.kind == RKind::kProduct) copy.value = MakeNumber(1);
  }
  return text_.Statement(copy);
}

// `phase` counts the loops; one beyond the last combines only.
std::string Writer::Body(size_t phase) const {
  std::string body = Place(phase < plan_.loops.size());
  size_t loop = 0;
  for (const IrStmt& s : nest_.body()) {
    const SharedLoop* shared = s.kind == SKind::kFor ? plan_.Find(s) : nullptr;
    if (shared == nullptr) {
      const bool walked = phase < plan_.loops.size();
      body += walked ? WithoutFirstValue(s, plan_.loops[phase]) : text_.Statement(s);
    } else if (loop++ < phase) {
      body += Combine(*shared);
    } else {
      return body + Piece(*shared) + Stores(*shared);
    }
  }
  return body;
}

std::string Writer::Function(const std::string& name, const std::string& body) const {
  Node declarator = kernel_.definition.Child("declarator");
  while (!declarator.Is("function_declarator")) declarator = declarator.Child("declarator");
  std::string list(declarator.Child("parameters").text());
  list.pop_back();
  for (const auto& [reduction, partial] : partials_) {
    list += std::string(", ") + (text_.cuda() ? "" : "__global ") + partial.type + "* " +
            partial.buffer;
  }
  return std::string(text_.cuda() ? "extern \"C\" __global__" : "__kernel") + " void " + name +
         list + ") {\n" + IndentBody(body) + "}";
}

std::string Writer::Text(const std::vector<std::string>& bodies, SplitKernel* out) const {
  TextEdits edits(context_.source());
  Node declarator = kernel_.definition.Child("declarator");
  while (!declarator.Is("function_declarator")) declarator = declarator.Child("declarator");
  std::string more;
  for (const auto& [reduction, partial] : partials_) {
    more += std::string(", ") + (text_.cuda() ? "" : "__global ") + partial.type + "* " +
            partial.buffer;
  }
  edits.Insert(declarator.Child("parameters").end() - 1, more);
  edits.Replace(kernel_.body, "{\n" + IndentBody(bodies.back()) + "}");
  std::string others;
  for (size_t i = 0; i + 1 < bodies.size(); ++i) {
    out->partials.push_back(context_.FreshName(nest_.kernel + "_part" + std::to_string(i + 1)));
    others += "\n\n" + Function(out->partials.back(), bodies[i]);
  }
  edits.Insert(kernel_.definition.end(), others);
  return edits.Apply();
}

std::optional<std::string> Writer::WithPlan(std::string source, const SplitKernel& kernels) const {
  // Scratch buffers come among the arguments that are not written out: write them out first.
  const auto apply = [&](std::optional<std::string> next) {
    const bool fits = next.has_value();
    if (fits) source = *std::move(next);
    return fits;
  };
  for (size_t i = 0; i < context_.launches().size(); ++i) {
    std::vector<std::string> args = context_.LaunchArguments(i);
    if (i == nest_.launch) {
      for (const auto& [reduction, partial] : partials_) args.push_back(partial.buffer);
    }
    if (!apply(WithLaunchOption(source, i, "args", "(" + Join(args, ", ") + ")")))
      return std::nullopt;
  }
  if (!launch_.shared.text.empty() && !apply(WithoutLaunchOption(source, nest_.launch, "shared"))) {
    return std::nullopt;
  }
  const std::string block = "(" + std::to_string(kThreads) + ")";
  if (!apply(WithNewConstant(source, parts_, std::to_string(form_.parts)))) return std::nullopt;
  for (const auto& [reduction, partial] : partials_) {
    if (!apply(WithScratch(source, partial.buffer + " " + ScratchType(partial.type) + " [" +
                                       extent_ + "*" + parts_ + "]"))) {
      return std::nullopt;
    }
  }
  if (!apply(WithLaunchOption(source, nest_.launch, "grid",
                              "(" + Grid(kernels.last_is_split) + ")")) ||
      !apply(WithLaunchOption(source, nest_.launch, "block", block))) {
    return std::nullopt;
  }
  size_t step = context_.StepOf(nest_.launch);
  std::vector<std::string> args = context_.LaunchArguments(nest_.launch);
  for (const auto& [reduction, partial] : partials_) args.push_back(partial.buffer);
  for (const std::string& name : kernels.partials) {
    if (!apply(WithStep(source, step++,
                        "launch " + name + " grid=(" + Grid(true) + ") block=" + block + " args=(" +
                            Join(args, ", ") + ")"))) {
      return std::nullopt;
    }
  }
  return source;
}

std::optional<SplitKernel> Writer::Write() {
  const auto extent = PlanExtent(nest_, nest_.grid);
  if (!extent || !NamesAreFree(nest_) || !Admissible() || !NamePartials()) return std::nullopt;
  if (LargestGrid(context_, *extent) * form_.parts >= kLargestIndex) return std::nullopt;
  extent_ = *extent;
  parts_ = context_.FreshName("PARTS");
  part_ = context_.FreshName("part");
  chunk_ = context_.FreshName("in_part");
  at_ = context_.FreshName("place");
  SplitKernel out;
  out.last = nest_.kernel;
  out.last_is_split = plan_.loops.back().reductions.empty();
  std::vector<std::string> bodies;
  const size_t phases = plan_.loops.size() + (out.last_is_split ? 0 : 1);
  for (size_t phase = 0; phase < phases; ++phase) bodies.push_back(Body(phase));
  auto source = WithPlan(Text(bodies, &out), out);
  if (!source) return std::nullopt;
  out.source = *std::move(source);
  return out;
}

}  // namespace

int64_t LargestGrid(const DeviceContext& context, const std::string& plan_extent) {
  int64_t largest = 0;
  for (const Workload& workload : context.task().workloads) {
    if (workload.role != WorkloadRole::kTime || workload.on == "cpu") continue;
    AxisValues values = workload.axes;
    for (const PlanConstant& constant : context.plan().constants) {
      const auto value = EvaluateExtent(constant.value.text, values);
      if (value.ok()) values[constant.name] = *value;
    }
    const auto extent = EvaluateExtent(plan_extent, values);
    if (extent.ok()) largest = std::max(largest, *extent);
  }
  return largest;
}

std::optional<SplitKernel> SplitIntoPhases(const DeviceContext& context, const DeviceKernel& kernel,
                                           const VirtualNest& nest, const RowPlan& plan,
                                           const SplitForm& form) {
  return Writer(context, kernel, nest, plan, form).Write();
}

}  // namespace ks
