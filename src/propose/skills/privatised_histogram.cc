// Skill privatised_histogram: data-dependent counts into several private tables.
#include <algorithm>

#include "base/text.h"
#include "propose/skills/skills.h"
#include "propose/vector/affine_form.h"
#include "propose/vector/prelude.h"
#include "propose/vector/vectorize.h"

namespace ks {
namespace {

using SKind = IrStmt::Kind;

struct Count {
  const IrStmt* loop = nullptr;
  const IrStmt* update = nullptr;
  std::string table, element, size;  // size: C++ over the axes
};

// Number of elements of an output as C++; empty when it is not a product of plain expressions.
std::string SizeOf(const Task& task, const std::string& name) {
  for (const BufferSpec& buffer : task.outputs) {
    if (buffer.name != name || buffer.shape.empty()) continue;
    std::vector<std::string> parts;
    for (const std::string& extent : buffer.shape) {
      if (extent.find_first_of("/(%") != std::string::npos) return "";
      parts.push_back("(" + extent + ")");
    }
    return Join(parts, " * ");
  }
  return "";
}

// for (i) table[f(input[i])] += value, nothing else.
std::optional<Count> MatchCount(const KernelContext& kernel, const KernelIr& ir,
                                const IrStmt& loop) {
  if (loop.kind != SKind::kFor || loop.body.size() != 1) return std::nullopt;
  const IrStmt& update = loop.body[0];
  if (update.kind != SKind::kAssign || update.op != "+=" ||
      update.target->kind != IrExpr::Kind::kIndex) {
    return std::nullopt;
  }
  Count count;
  count.loop = &loop;
  count.update = &update;
  count.table = update.target->text;
  count.element = ir.ElementOf(count.table);
  count.size = SizeOf(kernel.task(), count.table);
  const IrExprPtr& bin = update.target->args[0];
  const bool depends = !Polynomial::Of(bin).StrideOf(loop.name);
  const bool integer = count.element == "int32_t" || count.element == "int64_t";
  if (!depends || count.size.empty() || !(integer || kernel.MayReassociate())) return std::nullopt;
  if (Mentions(bin, count.table) || Mentions(update.value, count.table)) return std::nullopt;
  bool pure = true;  // inputs only
  for (const IrExprPtr& e : {bin, update.value}) {
    ForEachExpr(e, [&](const IrExpr& x) {
      pure = pure && (x.kind != IrExpr::Kind::kIndex || ir.IsConstInput(x.text));
    });
  }
  if (!pure) return std::nullopt;
  return count;
}

std::string Text(const Count& c, const std::string& tables) {
  const std::string& i = c.loop->name;
  const std::string bin = ToText(*c.update->target->args[0]);
  const std::string value = ToText(*c.update->value);
  const std::string low = ToText(*c.loop->low), high = ToText(*c.loop->high);
  std::string text = "{\n";
  text += "const int64_t table_size = " + c.size + ";\n";
  text += "static thread_local wide::Scratch<" + c.element + "> private_tables;\n";
  text += c.element + "* const tables = private_tables.OfSize(" + tables + " * table_size);\n";
  text += "__builtin_memset(tables, 0, static_cast<size_t>(" + tables + " * table_size) * sizeof(" +
          c.element + "));\n";
  text += "int64_t next = " + low + ";\n";
  text += "const int64_t count_end = " + high + ";\n";
  text += "for (; next + " + tables + " <= count_end; next += " + tables + ") {\n";
  text += "#pragma GCC unroll 16\n";
  text += "for (int64_t table = 0; table < " + tables + "; ++table) {\n";
  text += "const int64_t " + i + " = next + table;\n";
  text += "tables[table * table_size + (" + bin + ")] += " + value + ";\n}\n}\n";
  text += "for (; next < count_end; ++next) {\nconst int64_t " + i + " = next;\n";
  text += "tables[" + bin + "] += " + value + ";\n}\n";
  text += "for (int64_t table = 0; table < " + tables + "; ++table) {\n";
  text += "for (int64_t entry = 0; entry < table_size; ++entry) {\n";
  text += c.table + "[entry] += tables[table * table_size + entry];\n}\n}\n}";
  return text;
}

class PrivatisedHistogramSkill final : public Skill {
 public:
  std::string name() const override { return "privatised_histogram"; }
  std::string_view summary() const override {
    return "Counts at data-dependent places: neighbouring elements go to different private tables, "
           "so that an update never waits for the one before; the tables are added at the end. "
           "Costs scratch of a few tables.";
  }

  std::vector<Edit> Edits(const KernelContext& kernel) const override {
    const auto ir = BuildKernelIr(kernel.tree(), kernel.task().entry);
    if (!ir) return {};
    for (const char* own :
         {"tables", "table", "table_size", "private_tables", "next", "count_end", "entry"}) {
      if (ir->scalars.count(own) > 0 || ir->arrays.count(own) > 0) return {};
    }
    std::vector<Edit> edits;
    for (const IrStmt& nest : ir->body) {
      const auto count = MatchCount(kernel, *ir, nest);
      if (!count) continue;
      std::string source = kernel.source();
      const std::string tables = FreshName(source, "kTables");
      const size_t margin = nest.begin - (source.rfind('\n', nest.begin) + 1);
      const std::string text = Indent(Text(*count, tables), margin);
      const std::string prelude = PreludeFor(source, text, LanesOf(kernel.machine()));
      source.replace(nest.begin, nest.end - nest.begin, std::string(Trim(text)));
      source.insert(ir->top_begin, prelude + "namespace {\n" +
                                       TunableLine(tables, 4, "2 4 8 16", "private tables") +
                                       "}  // namespace\n\n");
      edits.push_back({WithVectorFlags(source, kernel.machine()),
                       "Count into 4 private tables of " + count->table + " and add them up.",
                       EditKind::kStrategy, 1.5});
    }
    return edits;
  }
};

}  // namespace

std::unique_ptr<Skill> NewPrivatisedHistogramSkill() {
  return std::make_unique<PrivatisedHistogramSkill>();
}

}  // namespace ks
