// Skill vector_access: an elementwise kernel moves 16 bytes a thread and access.
#include "base/text.h"
#include "propose/device/device_text.h"
#include "propose/device/skills.h"
#include "propose/vector/affine_form.h"

namespace ks {
namespace {

using EKind = IrExpr::Kind;
using SKind = IrStmt::Kind;

const char* const kParts[] = {"x", "y", "z", "w"};

// "float4" for four elements of 4 bytes; empty: no such type.
std::string VectorType(const std::string& element) {
  if (element == "float") return "float4";
  if (element == "int" || element == "int32_t") return "int4";
  if (element == "unsigned" || element == "uint32_t" || element == "uint") return "uint4";
  return "";
}

struct Streams {
  std::set<std::string> read, written;
};

// Every array is touched at the loop variable itself, or does not move with it (then only read).
std::optional<Streams> StreamsOf(const VirtualNest& nest) {
  Streams streams;
  const std::string& variable = nest.grid[0].name;
  bool ok = true;
  const auto visit = [&](const IrExprPtr& e, bool store) {
    ForEachExpr(e, [&](const IrExpr& x) {
      if (x.kind != EKind::kIndex) return;
      const bool target = store && &x == e.get();
      const Polynomial at = Polynomial::Of(x.args[0]);
      const bool same = x.args[0]->kind == EKind::kName && x.args[0]->text == variable;
      if (!same) {
        ok = ok && !target && at.IndependentOf(variable) && streams.written.count(x.text) == 0;
        return;
      }
      ok = ok && !VectorType(nest.ir.ElementOf(x.text)).empty() && nest.ir.IsParameter(x.text);
      (target ? streams.written : streams.read).insert(x.text);
    });
  };
  ForEachStmt(nest.body(), [&](const IrStmt& s) {
    for (const IrExprPtr& e : ExprsOf(s)) {
      const bool store = s.kind == SKind::kAssign && e == s.target;
      visit(e, store);
      if (store && s.op != "=" && e->kind == EKind::kIndex) streams.read.insert(e->text);
    }
  });
  // A store under a condition would write what the vector holds instead.
  for (const IrStmt& s : nest.body()) {
    if (s.kind != SKind::kIf && s.kind != SKind::kFor && s.kind != SKind::kBlock) continue;
    ForEachStmt(s.body, [&](const IrStmt& inner) {
      if (inner.kind == SKind::kAssign && inner.target->kind == EKind::kIndex) ok = false;
    });
    ForEachStmt(s.other, [&](const IrStmt& inner) {
      if (inner.kind == SKind::kAssign && inner.target->kind == EKind::kIndex) ok = false;
    });
  }
  if (!ok || streams.written.empty()) return std::nullopt;
  return streams;
}

IrExprPtr WithPart(const IrExprPtr& e, const Streams& streams, const std::string& variable,
                   const char* part) {
  if (!e) return e;
  if (e->kind == EKind::kIndex && e->args[0]->kind == EKind::kName &&
      e->args[0]->text == variable &&
      (streams.read.count(e->text) > 0 || streams.written.count(e->text) > 0)) {
    return MakeName("ks_" + e->text + "." + part, e->type);
  }
  IrExpr copy = *e;
  for (IrExprPtr& a : copy.args) a = WithPart(a, streams, variable, part);
  return std::make_shared<IrExpr>(std::move(copy));
}

void WithPartIn(std::vector<IrStmt>& body, const Streams& streams, const std::string& variable,
                const char* part) {
  for (IrStmt& s : body) {
    for (IrExprPtr* e : {&s.target, &s.value, &s.low, &s.high, &s.condition}) {
      *e = WithPart(*e, streams, variable, part);
    }
    WithPartIn(s.body, streams, variable, part);
    WithPartIn(s.other, streams, variable, part);
  }
}

class VectorAccessSkill final : public DeviceSkill {
 public:
  std::string name() const override { return "vector_access"; }
  std::string_view summary() const override {
    return "One thread an element moves 4 bytes an instruction. Let each thread handle four "
           "neighbours (and several such groups) with 16-byte loads and stores; a tail that is no "
           "whole vector goes element by element.";
  }

  std::vector<Edit> Edits(const DeviceContext& context) const override {
    std::vector<Edit> edits;
    for (const DeviceKernel& kernel : context.kernels()) {
      const std::optional<VirtualNest> nest = BuildVirtualNest(context, kernel);
      if (!nest || nest->cooperative || nest->grid.size() != 1 || !NamesAreFree(*nest)) continue;
      const std::optional<Streams> streams = StreamsOf(*nest);
      const auto extent = PlanExtent(*nest, nest->grid);
      if (!streams || !extent) continue;
      const KernelRewrite rewrite = Emit(context, *nest, *streams, *extent);
      if (auto source = ReplaceKernel(context, *nest, rewrite)) {
        edits.push_back({*std::move(source),
                         "Move four elements of " + nest->kernel + " an access.",
                         EditKind::kStrategy, 1.4});
      }
    }
    return edits;
  }

 private:
  static KernelRewrite Emit(const DeviceContext& context, const VirtualNest& nest,
                            const Streams& streams, const std::string& extent) {
    const DeviceText text(context.dialect(), nest.index_type);
    const LoopHeader& loop = nest.grid[0];
    const std::string& type = nest.index_type;
    const std::string high = "(" + text.Expr(loop.high) + ")";
    KernelRewrite rewrite;
    const std::string threads = context.FreshName("STREAM_THREADS");
    const std::string groups = context.FreshName("VECTORS_PER_THREAD");
    rewrite.constants = {{threads, "256"}, {groups, "2"}};
    rewrite.block = threads;
    rewrite.grid = "ceil_div(" + extent + ", 4*" + threads + "*" + groups + ")";
    std::string vector;
    const std::string space = text.cuda() ? "" : "__global ";
    for (const std::string& array : streams.read) {
      const std::string wide = VectorType(nest.ir.ElementOf(array));
      vector +=
          wide + " ks_" + array + " = *(const " + space + wide + "*)(" + array + " + ks_at);\n";
    }
    for (const std::string& array : streams.written) {
      if (streams.read.count(array) > 0) continue;
      vector += VectorType(nest.ir.ElementOf(array)) + " ks_" + array + ";\n";
    }
    for (int part = 0; part < 4; ++part) {
      std::vector<IrStmt> body = nest.body();
      WithPartIn(body, streams, loop.name, kParts[part]);
      vector += "{\n";
      bool uses = false;
      ForEachStmt(body, [&](const IrStmt& s) {
        for (const IrExprPtr& e : ExprsOf(s)) uses = uses || Mentions(e, loop.name);
      });
      if (uses) {
        vector += "const " + type + " " + loop.name + " = ks_at + " + std::to_string(part) + ";\n";
      }
      vector += text.Statements(body) + "}\n";
    }
    for (const std::string& array : streams.written) {
      const std::string wide = VectorType(nest.ir.ElementOf(array));
      vector += "*(" + space + wide + "*)(" + array + " + ks_at) = ks_" + array + ";\n";
    }
    std::string body = "const int ks_thread = " + text.Thread(0) + ";\n";
    body += "#pragma unroll\nfor (int ks_group = 0; ks_group < " + groups + "; ++ks_group) {\n";
    body += "const " + type + " ks_at = ((" + text.Block(0) + " * " + groups + " + ks_group) * " +
            threads + " + ks_thread) * 4;\n";
    body += "if (ks_at + 4 <= " + high + ") {\n" + vector + "} else {\n";
    body += "for (" + type + " " + loop.name + " = ks_at; " + loop.name + " < " + high + "; ++" +
            loop.name + ") {\n" + text.Statements(nest.body()) + "}\n}\n}\n";
    rewrite.body = body;
    return rewrite;
  }
};

}  // namespace

std::unique_ptr<DeviceSkill> NewVectorAccessSkill() {
  return std::make_unique<VectorAccessSkill>();
}

}  // namespace ks
