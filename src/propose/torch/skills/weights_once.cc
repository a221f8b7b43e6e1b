// What depends on the weights alone is computed in the first call and kept with the model.
#include <algorithm>
#include <set>

#include "propose/device/triton_parts.h"
#include "propose/torch/module_skill.h"
#include "propose/torch/module_text.h"

namespace ks {
namespace {

using NameSet = std::set<std::string>;

bool AllIn(const std::vector<std::string>& names, const NameSet& set) {
  return std::all_of(names.begin(), names.end(),
                     [&](const std::string& name) { return set.count(name) > 0; });
}

// A new buffer without content.
bool MakesBuffer(const ForwardStatement& statement) {
  if (statement.target.empty() || !statement.value.Is("call")) return false;
  const std::string_view function = statement.value.Child("function").text();
  return function == "torch.empty" || function == "torch.empty_strided";
}

// Whether the value is computed into memory of its own.
bool MakesContent(const ForwardStatement& statement) {
  return statement.understood && !statement.target.empty() && statement.base.empty() &&
         !statement.of_self && statement.value.Is("call") && !MakesBuffer(statement);
}

// x.shape and x.dtype of what the caller gives are not the same in every call.
bool AsksForForm(const ForwardStatement& statement, const NameSet& known) {
  for (Node part : statement.node.Subtree()) {
    if (!part.Is("attribute")) continue;
    const std::string_view name = part.Child("attribute").text();
    if (name != "shape" && name != "dtype") continue;
    Node object = part.Child("object");
    while (object.Is("attribute") || object.Is("subscript") || object.Is("call")) {
      object = object.Child(object.Is("attribute")   ? "object"
                            : object.Is("subscript") ? "value"
                                                     : "function");
    }
    const std::string head(object.text());
    if (head != "self" && head != "torch" && known.count(head) == 0) return true;
  }
  return false;
}

// Whether forward may change what belongs to the model (weights, buffers, attributes), or does not
// do the same in every call: it looks at self.training, or fills something of self.
bool ChangesModel(const ModuleContext& module) {
  for (const ForwardStatement& statement : module.forward()) {
    for (Node part : statement.node.Subtree()) {
      if (part.Is("attribute") && part.text() == "self.training") return true;
    }
    const bool gives = statement.node.Is("return_statement");
    if (!statement.understood && !gives && ReadsSelf(statement.node)) return true;
    for (Node call : statement.node.Subtree()) {
      if (gives && call.Is("call") && ReadsSelf(call)) return true;
    }
    for (const std::string& name : statement.fills) {
      const std::string root = module.RootOf(name);
      for (const ForwardStatement& other : module.forward()) {
        if (other.target == root && other.of_self) return true;
      }
    }
  }
  return false;
}

// Which statements can be computed once, and what they give.
struct OnceFold {
  std::vector<bool> once;  // by statement
  NameSet names;           // made by them
};

// Names that only come from weights, when those in `barred` do not.
OnceFold WeightsOnly(const ModuleContext& module, const NameSet& barred) {
  const std::vector<ForwardStatement>& forward = module.forward();
  OnceFold fold;
  fold.once.assign(forward.size(), false);
  for (size_t i = 0; i < forward.size(); ++i) {
    const ForwardStatement& statement = forward[i];
    if (!statement.understood || !statement.drops.empty()) continue;
    if (!AllIn(statement.reads, fold.names) || AsksForForm(statement, fold.names)) continue;
    if (statement.target.empty()) {
      fold.once[i] = !statement.fills.empty();
    } else if (barred.count(statement.target) == 0) {
      fold.once[i] = true;
      fold.names.insert(statement.target);
    }
  }
  return fold;
}

// Names that a statement which runs in every call writes, or that are made twice.
NameSet WrittenAgain(const ModuleContext& module, const OnceFold& fold) {
  NameSet barred, made;
  const std::vector<ForwardStatement>& forward = module.forward();
  for (size_t i = 0; i < forward.size(); ++i) {
    const ForwardStatement& statement = forward[i];
    if (!statement.target.empty() && !made.insert(statement.target).second) {
      barred.insert(statement.target);
    }
    if (fold.once[i]) continue;
    for (const std::string& name : statement.fills) barred.insert(name);
    if (statement.understood) continue;
    if (!statement.target.empty()) barred.insert(statement.target);
    // Returned, it belongs to the caller; else anything may have happened to it.
    for (const std::string& name : statement.reads) barred.insert(name);
  }
  return barred;
}

// Names that are filled once more after a statement of every call has read them: the first content
// would be lost when all of it is computed beforehand.
NameSet FilledAgain(const ModuleContext& module, const OnceFold& fold) {
  NameSet read, again;
  const std::vector<ForwardStatement>& forward = module.forward();
  for (size_t i = 0; i < forward.size(); ++i) {
    if (!forward[i].drops.empty()) continue;
    if (!fold.once[i]) {
      for (const std::string& name : forward[i].reads) read.insert(module.RootOf(name));
      continue;
    }
    for (const std::string& name : forward[i].fills) {
      if (read.count(module.RootOf(name)) > 0) again.insert(name);
    }
  }
  return again;
}

// A view shares what it is a view of: what is barred for one is barred for the other.
bool SpreadOverViews(const ModuleContext& module, NameSet& barred) {
  const size_t before = barred.size();
  for (const ForwardStatement& statement : module.forward()) {
    if (statement.target.empty() || MakesBuffer(statement)) continue;
    if (MakesContent(statement)) continue;
    bool any = barred.count(statement.target) > 0;
    for (const std::string& name : statement.reads) any = any || barred.count(name) > 0;
    if (!any) continue;
    barred.insert(statement.target);
    for (const std::string& name : statement.reads) barred.insert(name);
  }
  return barred.size() != before;
}

class WeightsOnceSkill final : public ModuleSkill {
 public:
  std::string name() const override { return "module_weights_once"; }
  std::string_view summary() const override {
    return "Copies of weights in another order, tables and products of weights do not change "
           "between calls: the first call computes them and keeps them with the model. The lines "
           "are marked `ksmith: once`; their time is not part of a later call.";
  }

  std::vector<Edit> Edits(const ModuleContext& module) const override {
    if (module.Rebinds() || ChangesModel(module)) return {};
    NameSet barred(module.arguments().begin(), module.arguments().end());
    OnceFold fold;
    for (;;) {
      fold = WeightsOnly(module, barred);
      const size_t before = barred.size();
      for (const std::string& name : WrittenAgain(module, fold)) barred.insert(name);
      for (const std::string& name : FilledAgain(module, fold)) barred.insert(name);
      while (SpreadOverViews(module, barred)) {
      }
      if (barred.size() == before) break;
    }
    if (std::optional<std::string> source = Folded(module, fold)) {
      return {{*std::move(source), "What depends on the weights alone is computed once.",
               EditKind::kStructure, 1.1}};
    }
    return {};
  }

 private:
  static std::optional<std::string> Folded(const ModuleContext& module, const OnceFold& fold) {
    const std::vector<ForwardStatement>& forward = module.forward();
    bool works = false;  // something is computed, not only seen in another way
    size_t first = forward.size();
    NameSet needed;
    for (size_t i = 0; i < forward.size(); ++i) {
      const ForwardStatement& statement = forward[i];
      if (fold.once[i]) {
        works = works || !statement.fills.empty() || MakesContent(statement);
        first = std::min(first, i);
        continue;
      }
      if (!statement.drops.empty()) continue;
      for (const std::string& name : statement.reads) {
        if (fold.names.count(name) > 0) needed.insert(name);
      }
    }
    if (!works || needed.empty() || module.source().find(kOnceMark) != std::string::npos) {
      return std::nullopt;
    }
    TextEdits edits(module.source());
    const std::string kept = module.FreshName("once");
    const size_t column = forward[first].node.begin() -
                          (module.source().rfind('\n', forward[first].node.begin()) + 1);
    const std::string indent(column, ' ');
    std::string lines = indent + "if getattr(self, \"" + kept + "\", None) is None:  # " +
                        std::string(kOnceMark) + ", from the weights alone\n";
    for (size_t i = 0; i < forward.size(); ++i) {
      const auto [begin, end] = module.LinesOf(forward[i].node);
      if (fold.once[i]) {
        lines += Deeper(module.source().substr(begin, end - begin), 4);
        if (i != first) edits.Replace(begin, end, "");
      } else if (!forward[i].drops.empty() && AllIn(forward[i].drops, fold.names)) {
        edits.Replace(begin, end, "");
      }
    }
    std::string names;
    for (const std::string& name : needed) names += name + ", ";
    if (needed.size() > 1) names.resize(names.size() - 2);
    if (needed.size() == 1) names.resize(names.size() - 1);
    lines += indent + "    self." + kept + " = (" + names + ")\n" + indent + "(" + names +
             ") = self." + kept + "\n";
    const auto [begin, end] = module.LinesOf(forward[first].node);
    edits.Replace(begin, end, lines);
    return edits.Apply();
  }
};

}  // namespace

std::unique_ptr<ModuleSkill> NewWeightsOnceSkill() { return std::make_unique<WeightsOnceSkill>(); }

}  // namespace ks
