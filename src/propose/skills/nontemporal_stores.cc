// Skill nontemporal_stores: writes a large output past the caches.
#include <fmt/format.h>

#include <algorithm>

#include "propose/skills/common.h"
#include "propose/skills/skills.h"

namespace ks {
namespace {

constexpr char kStreamOut[] =
    R"(// Copies `count` floats past the caches. Ends of the range that do not fill 16 bytes go the usual way.
static inline void StreamOut(float* to, const float* from, int64_t count) {
  int64_t i = 0;
  for (; i < count && (reinterpret_cast<uintptr_t>(to + i) & 15) != 0; ++i) to[i] = from[i];
  for (; i + 4 <= count; i += 4) _mm_stream_ps(to + i, _mm_loadu_ps(from + i));
  for (; i < count; ++i) to[i] = from[i];
}
)";

class NontemporalStoresSkill final : public Skill {
 public:
  std::string name() const override { return "nontemporal_stores"; }
  std::string_view summary() const override {
    return "An output that is written once, in order, and never read again is computed into a "
           "small buffer and streamed past the caches: saves reading the lines before writing "
           "them. Pays only when the output exceeds the last-level cache; x86 only.";
  }

  std::vector<Edit> Edits(const KernelContext& kernel) const override {
    std::vector<Edit> edits;
    const double gain =
        kernel.measured() != nullptr && kernel.measured()->bottleneck == "memory" ? 1.25 : 1.02;
    for (const KernelContext::Site& site : kernel.loops()) {
      const Access* store = nullptr;
      const Effects effects = EffectsOf(*site.function->function, site.loop->body);
      if (!Applies(site, effects, &store)) continue;
      edits.push_back(
          {Write(kernel, site, *store),
           fmt::format("Stream {} past the caches in {}.", store->base->name, Describe(*site.loop)),
           EditKind::kMicro, gain});
    }
    return edits;
  }

 private:
  static bool Applies(const KernelContext::Site& site, const Effects& effects,
                      const Access** store) {
    const Loop& loop = *site.loop;
    if (!site.function->is_entry || !loop.IsInnermost() || loop.step != "1") return false;
    if (HasOpenMp(loop) || HasJumps(loop.body)) return false;
    if (!site.function->dependence().IsParallel(loop)) return false;
    for (const Access& access : effects.accesses) {
      if (!access.write) continue;
      if (*store != nullptr || access.op != "=" || !access.node.Is("subscript_expression")) {
        return false;
      }
      *store = &access;
    }
    if (*store == nullptr || (*store)->base->type != "float" || !(*store)->base->is_parameter) {
      return false;
    }
    const std::optional<Poly> stride = (*store)->index.Stride(loop.variable->symbol);
    if (!stride || stride->AsConstant() != 1) return false;
    // The address must be writable outside of the body, and be read nowhere in the function.
    for (Node node : (*store)->node.Subtree()) {
      const Decl* decl = node.Is("identifier") ? site.function->function->Resolve(node) : nullptr;
      if (decl != nullptr && loop.body.Contains(decl->node)) return false;
    }
    const Effects all = EffectsOf(*site.function->function, site.function->function->body());
    return all.understood && !all.Reads((*store)->base);
  }

  static std::string Write(const KernelContext& kernel, const KernelContext::Site& site,
                           const Access& store) {
    const Loop& loop = *site.loop;
    const Function& function = *site.function->function;
    Rewriter rewriter(kernel.tree());
    rewriter.AddInclude("immintrin.h");
    rewriter.AddInclude("algorithm");
    rewriter.AddTopLevel(kStreamOut);
    const std::string size = rewriter.AddTunable("kStream", 256, {64, 128, 256, 512, 1024});
    const std::string buffer = rewriter.FreshName("stream");
    const std::string first = rewriter.FreshName(loop.name() + "_first");
    const std::string count = rewriter.FreshName("count");
    const std::string lane = rewriter.FreshName("lane");
    const std::map<const Decl*, std::string> lanes = {
        {loop.variable, fmt::format("({} + {})", first, lane)}};
    std::string body;
    for (Node statement : loop.Statements()) {
      if (!statement.Contains(store.node)) {
        body += TextWith(function, statement, lanes) + "\n";
        continue;
      }
      const std::string text = TextWith(function, statement, lanes);
      const std::string target = TextWith(function, store.node, lanes);
      body += fmt::format("{}[{}]", buffer, lane) + text.substr(text.find(target) + target.size()) +
              "\n";
    }
    const std::string address = TextWith(function, store.node, {{loop.variable, first}});
    const std::string strip =
        fmt::format("const {0} {1} = std::min<{0}>({2}, {3} - {4});\n", loop.type, count, size,
                    Parenthesized(loop.HighText()), first) +
        ForText(loop.type, lane, "0", count, "1", body) +
        fmt::format("StreamOut(&{}, {}, {});\n", address, buffer, count);
    const std::string text =
        fmt::format("{{\nalignas(64) float {}[{}];\n{}}}\n", buffer, size,
                    ForText(loop.type, first, loop.LowText(), loop.HighText(), size, strip));
    const Loop* outermost = &loop;
    while (outermost->parent != nullptr) outermost = outermost->parent;
    const std::string fence = "_mm_sfence();\n";
    if (outermost == &loop) {
      rewriter.ReplaceStatement(loop.node, text + fence);
    } else {
      rewriter.ReplaceStatement(loop.node, text);
      rewriter.InsertAfter(outermost->node, fence);
    }
    return rewriter.Apply();
  }
};

}  // namespace

std::unique_ptr<Skill> NewNontemporalStoresSkill() {
  return std::make_unique<NontemporalStoresSkill>();
}

}  // namespace ks
