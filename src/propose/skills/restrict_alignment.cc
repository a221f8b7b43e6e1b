// Skill restrict_alignment: states that arguments do not overlap and start at 64-byte boundaries.
#include <fmt/format.h>

#include "propose/skills/common.h"
#include "propose/skills/skills.h"

namespace ks {
namespace {

class RestrictAlignmentSkill final : public Skill {
 public:
  std::string name() const override { return "restrict_alignment"; }
  std::string_view summary() const override {
    return "Pointer arguments never overlap and are 64-byte aligned by contract: say so with "
           "__restrict__ and __builtin_assume_aligned. Removes the compiler's overlap checks and "
           "peeling. Costs nothing.";
  }

  std::vector<Edit> Edits(const KernelContext& kernel) const override {
    std::vector<Edit> edits;
    const Function& entry = *kernel.entry().function;
    std::vector<const Decl*> pointers;
    bool plain = false;
    for (const auto& decl : entry.decls()) {
      if (!decl->is_parameter || decl->kind != DeclKind::kPointer) continue;
      pointers.push_back(decl.get());
      plain = plain || decl->node.text().find("__restrict") == std::string_view::npos;
    }
    if (plain) {
      edits.push_back({Restricted(kernel, pointers), "State that the arguments do not overlap.",
                       EditKind::kMicro, 1.08});
    }
    if (kernel.source().find("__builtin_assume_aligned") == std::string::npos &&
        CanRename(kernel, pointers)) {
      edits.push_back({Aligned(kernel, pointers), "State that the arguments are 64-byte aligned.",
                       EditKind::kMicro, 1.03});
    }
    return edits;
  }

 private:
  static Node NameOf(const Decl& decl) {
    Node name;
    for (Node node : decl.node.Subtree()) {
      if (node.Is("identifier")) name = node;
    }
    return name;
  }

  static std::string Restricted(const KernelContext& kernel,
                                const std::vector<const Decl*>& pointers) {
    Rewriter rewriter(kernel.tree());
    for (const Decl* decl : pointers) {
      if (decl->node.text().find("__restrict") != std::string_view::npos) continue;
      rewriter.Insert(NameOf(*decl).begin(), "__restrict__ ");
    }
    return rewriter.Apply();
  }

  static bool CanRename(const KernelContext& kernel, const std::vector<const Decl*>& pointers) {
    for (const Decl* decl : pointers) {
      if (decl->writes > 0 || !kernel.entry().function->IsUnique(decl->name)) return false;
    }
    return !pointers.empty();
  }

  static std::string Aligned(const KernelContext& kernel,
                             const std::vector<const Decl*>& pointers) {
    Rewriter rewriter(kernel.tree());
    std::string lines = "\n";
    for (const Decl* decl : pointers) {
      const std::string argument = rewriter.FreshName(decl->name + "_argument");
      const std::string type = (decl->is_const ? "const " : "") + decl->type + "*";
      rewriter.Replace(NameOf(*decl), argument);
      lines += fmt::format(
          "  {} const __restrict__ {} = static_cast<{}>("
          "__builtin_assume_aligned({}, 64));\n",
          type, decl->name, type, argument);
    }
    lines.pop_back();
    rewriter.Insert(kernel.entry().function->body().begin() + 1, lines);
    return rewriter.Apply();
  }
};

}  // namespace

std::unique_ptr<Skill> NewRestrictAlignmentSkill() {
  return std::make_unique<RestrictAlignmentSkill>();
}

}  // namespace ks
