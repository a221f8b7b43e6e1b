#include "propose/vector/vectorize.h"

#include <algorithm>

#include "base/text.h"
#include "core/kernel_source.h"
#include "propose/vector/prelude.h"
#include "propose/vector/vector_emit.h"

namespace ks {
namespace {

struct Rewrite {
  size_t begin = 0, end = 0;
  std::string text;
};

std::string MarginAt(const std::string& source, size_t at) {
  const size_t line = source.rfind('\n', at);
  const size_t begin = line == std::string::npos ? 0 : line + 1;
  size_t end = begin;
  while (end < at && (source[end] == ' ' || source[end] == '\t')) ++end;
  return source.substr(begin, end - begin);
}

// Nests of the function: for-statements that stand in no other for-statement.
void CollectNests(const std::vector<IrStmt>& body, std::vector<const IrStmt*>& out) {
  for (const IrStmt& s : body) {
    if (s.kind == IrStmt::Kind::kFor) {
      out.push_back(&s);
    } else {
      CollectNests(s.body, out);
      CollectNests(s.other, out);
    }
  }
}

std::string Lead(const VectorPlan& plan) {
  std::vector<std::string> names;
  for (const auto& [loop, v] : plan.loops) {
    if (std::find(names.begin(), names.end(), loop->name) == names.end())
      names.push_back(loop->name);
  }
  std::sort(names.begin(), names.end());
  std::string text = "// In vector lanes: " + Join(names, ", ") + ".";
  if (plan.jam) text += " In registers side by side: " + plan.jam->name + ".";
  return text + "\n";
}

}  // namespace

int LanesOf(const Machine& machine) { return std::max(128, machine.vector_bits) / 32; }

std::string FreshName(const std::string& source, const std::string& base) {
  if (source.find(base + " = ") == std::string::npos) return base;
  for (int i = 2;; ++i) {
    const std::string name = base + std::to_string(i);
    if (source.find(name + " = ") == std::string::npos) return name;
  }
}

std::string TunableLine(const std::string& name, int value, const std::string& choices,
                        const std::string& what) {
  return "constexpr int " + name + " = " + std::to_string(value) + ";  // ksmith: tune " + choices +
         "  (" + what + ")\n";
}

std::string WithVectorFlags(const std::string& source, const Machine& machine) {
  BuildDirectives directives = ParseBuildDirectives(source);
  std::vector<std::string> flags = {"-O3"};
  bool march = false;
  for (const std::string& flag : directives.flags) {
    if (flag.starts_with("-O") && flag != "-Ofast") continue;
    if (flag == "-Ofast") flags.push_back("-ffast-math");
    march = march || flag.starts_with("-march=");
    if (flag != "-Ofast") flags.push_back(flag);
  }
  if (!march && !machine.march_options.empty()) {
    const std::string& best = machine.march_options[0];
    flags.push_back(best.starts_with("-march=") ? best : "-march=" + best);
  }
  directives.flags = std::move(flags);
  return WithBuildDirectives(source, directives);
}

std::optional<VectorizeResult> VectorizeKernel(const std::string& source, std::string_view entry,
                                               const Machine& machine,
                                               const VectorizeOptions& options) {
  const auto tree = SyntaxTree::Parse(source);
  if (!tree) return std::nullopt;
  const auto kernel = BuildKernelIr(*tree, entry);
  if (!kernel) return std::nullopt;
  std::vector<const IrStmt*> nests;
  CollectNests(kernel->body, nests);

  VectorizeResult result;
  std::vector<Rewrite> rewrites;
  EmitOptions emit;
  emit.vectors_name = FreshName(source, "kVectors");
  emit.rows_name = FreshName(source, "kRows");
  // Accumulators that an earlier edit made may already end like ours.
  for (int i = 2; source.find(emit.lanes_suffix) != std::string::npos; ++i) {
    emit.lanes_suffix = "_lanes" + std::to_string(i);
  }
  bool rows_used = false;
  for (const IrStmt* root : nests) {
    std::vector<IrStmt> nest = {*root};
    NormalizeReductions(*kernel, nest);
    auto plan = PlanVectors(*kernel, nest);
    if (!plan) continue;
    if (options.jam) {
      const auto candidates = JamCandidates(*kernel, nest, *plan);
      if (candidates.size() <= static_cast<size_t>(options.jam_choice)) continue;
      plan->jam = candidates[static_cast<size_t>(options.jam_choice)];
    }
    if (options.accept && !options.accept(*kernel, nest, *plan)) continue;
    const std::string margin = MarginAt(source, root->begin);
    emit.margin = margin + "  ";
    const auto text = EmitVectorNest(*kernel, nest, *plan, emit);
    if (!text) continue;
    rows_used = rows_used || plan->jam != nullptr;
    const std::string body = Lead(*plan) + margin + "{\n" + emit.margin +
                             "using namespace wide;\n" + *text + margin + "}";
    rewrites.push_back({root->begin, root->end, body});
    ++result.nests;
    result.loops += static_cast<int>(plan->loops.size());
  }
  if (rewrites.empty()) return std::nullopt;

  result.jammed = rows_used;
  result.source = source;
  std::string code;
  for (auto r = rewrites.rbegin(); r != rewrites.rend(); ++r) {
    result.source.replace(r->begin, r->end - r->begin, r->text);
    code += r->text;
  }
  std::string head = PreludeFor(source, code, LanesOf(machine));
  head += "namespace {\n";
  head +=
      TunableLine(emit.vectors_name, options.vectors, "1 2 3 4 6 8 12 16", "vectors in a block");
  if (rows_used) {
    head += TunableLine(emit.rows_name, options.rows, "1 2 3 4 6 8", "rows of a register block");
  }
  head += "}  // namespace\n\n";
  result.source.insert(kernel->top_begin, head);
  result.source = WithVectorFlags(result.source, machine);
  return result;
}

}  // namespace ks
