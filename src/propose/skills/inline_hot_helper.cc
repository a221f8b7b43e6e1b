// Skill inline_hot_helper: forces helpers that loops call to be inlined.
#include <fmt/format.h>

#include "propose/skills/common.h"
#include "propose/skills/skills.h"

namespace ks {
namespace {

class InlineHotHelperSkill final : public Skill {
 public:
  std::string name() const override { return "inline_hot_helper"; }
  std::string_view summary() const override {
    return "A helper function that a loop calls is marked always_inline: the loop can vectorise "
           "and constants reach the helper. Refused for recursive helpers. Costs code size.";
  }

  std::vector<Edit> Edits(const KernelContext& kernel) const override {
    std::vector<Edit> edits;
    for (const AnalysedFunction& helper : kernel.functions()) {
      const Node definition = helper.function->definition();
      const std::string_view text = kernel.source();
      if (helper.is_entry || Calls(helper.function->body(), helper.function->name())) continue;
      // The attribute stands in front of the definition (or inside its specifiers).
      const size_t from = definition.begin() < 80 ? 0 : definition.begin() - 80;
      const std::string_view head = text.substr(from, helper.function->body().begin() - from);
      if (head.find("always_inline") != std::string_view::npos) continue;
      if (!IsCalledInLoop(kernel, helper.function->name())) continue;
      Rewriter rewriter(kernel.tree());
      const bool is_inline =
          definition.text().substr(0, 40).find("inline") != std::string_view::npos;
      rewriter.Insert(definition.begin(), is_inline ? "__attribute__((always_inline)) "
                                                    : "__attribute__((always_inline)) inline ");
      edits.push_back({rewriter.Apply(), fmt::format("Inline {} always.", helper.function->name()),
                       EditKind::kMicro, kernel.features().calls_in_loops > 0 ? 1.2 : 1.03});
    }
    return edits;
  }

 private:
  static bool Calls(Node region, const std::string& name) {
    for (Node node : region.Subtree()) {
      if (node.Is("call_expression") && CalleeName(node) == name) return true;
    }
    return false;
  }

  static bool IsCalledInLoop(const KernelContext& kernel, const std::string& name) {
    for (const KernelContext::Site& site : kernel.loops()) {
      if (Calls(site.loop->body, name)) return true;
    }
    return false;
  }
};

}  // namespace

std::unique_ptr<Skill> NewInlineHotHelperSkill() {
  return std::make_unique<InlineHotHelperSkill>();
}

}  // namespace ks
