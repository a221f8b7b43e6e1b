#include "propose/kernel_context.h"

#include <algorithm>

namespace ks {
namespace {

// Every pointer parameter is restrict (or there is at most one), so that none overlap.
bool HasRestrictParameters(const Function& function) {
  int pointers = 0, restricted = 0;
  for (Node parameter : function.parameters().NamedChildren()) {
    const Decl* decl = function.DeclaredBy(parameter);
    if (decl == nullptr || decl->kind != DeclKind::kPointer) continue;
    ++pointers;
    if (parameter.text().find("__restrict") != std::string_view::npos) ++restricted;
  }
  return pointers == restricted || pointers <= 1;
}

}  // namespace

std::unique_ptr<KernelContext> KernelContext::Make(const std::string& source, const Task& task,
                                                   const Machine& machine,
                                                   const Evaluation* evaluation) {
  std::optional<SyntaxTree> tree = SyntaxTree::Parse(source);
  if (!tree) return nullptr;
  auto context = std::make_unique<KernelContext>(Private(), *std::move(tree));
  context->task_ = &task;
  context->machine_ = &machine;
  context->evaluation_ = evaluation;
  context->directives_ = ParseBuildDirectives(source);
  bool found = false;
  for (std::unique_ptr<Function>& function : FunctionsOf(context->tree_)) {
    AnalysedFunction analysed;
    analysed.is_entry = function->name() == task.entry;
    analysed.distinct_arguments = analysed.is_entry || HasRestrictParameters(*function);
    analysed.nest = std::make_unique<LoopNest>(*function);
    analysed.function = std::move(function);
    if (analysed.is_entry) {
      found = true;
      context->entry_ = context->functions_.size();
    }
    context->functions_.push_back(std::move(analysed));
  }
  if (!found) return nullptr;
  for (const AnalysedFunction& function : context->functions_) {
    for (const Loop* loop : function.nest->all()) {
      if (loop->canonical) context->loops_.push_back({&function, loop});
    }
  }
  return context;
}

const Measured* KernelContext::measured() const {
  return evaluation_ == nullptr ? nullptr : AsMeasured(evaluation_->outcome);
}

const CodeFeatures& KernelContext::features() const {
  return evaluation_ == nullptr ? no_features_ : evaluation_->features;
}

bool KernelContext::HasFlag(const std::string& flag) const {
  const std::vector<std::string>& flags = directives_.flags;
  return std::find(flags.begin(), flags.end(), flag) != flags.end();
}

}  // namespace ks
