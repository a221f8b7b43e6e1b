#include "core/launch_plan_edit.h"

#include <algorithm>
#include <utility>

namespace ks {
namespace {

std::optional<LaunchPlan> PlanOf(std::string_view source) {
  auto plan = ParseLaunchPlan(source);
  if (auto* parsed = std::get_if<LaunchPlan>(&plan)) return std::move(*parsed);
  return std::nullopt;
}

std::string Replaced(std::string_view source, PlanSpan span, std::string_view text) {
  std::string out(source.substr(0, span.begin));
  out += text;
  out += source.substr(span.end);
  return out;
}

// Only an edit that leaves a valid plan counts.
std::optional<std::string> Checked(std::string source) {
  if (!PlanOf(source)) return std::nullopt;
  return source;
}

PlanSpan DirectiveOf(const PlanStep& step) {
  return std::visit([](const auto& s) { return s.directive; }, step);
}

PlanLaunch* LaunchOf(LaunchPlan& plan, size_t number) {
  for (PlanStep& step : plan.steps) {
    auto* const launch = std::get_if<PlanLaunch>(&step);
    if (launch != nullptr && number-- == 0) return launch;
  }
  return nullptr;
}

size_t LineBegin(std::string_view source, size_t offset) {
  const size_t newline = offset == 0 ? std::string_view::npos : source.rfind('\n', offset - 1);
  return newline == std::string_view::npos ? 0 : newline + 1;
}

size_t FirstDirective(const LaunchPlan& plan) {
  size_t first = DirectiveOf(plan.steps.front()).begin;
  for (const PlanConstant& constant : plan.constants)
    first = std::min(first, constant.directive.begin);
  for (const PlanScratch& scratch : plan.scratch) first = std::min(first, scratch.directive.begin);
  return first;
}

std::string Written(const LaunchPlan& plan, std::string_view directive) {
  const char* const marker = plan.dialect == PlanDialect::kPython ? "# ksmith: " : "// ksmith: ";
  return marker + std::string(directive);
}

std::string InsertedBefore(std::string_view source, const LaunchPlan& plan, size_t offset,
                           std::string_view directive) {
  const size_t begin = LineBegin(source, offset);
  return Replaced(source, {begin, begin}, Written(plan, directive) + "\n");
}

std::string InsertedAfter(std::string_view source, const LaunchPlan& plan, size_t end,
                          std::string_view directive) {
  end = std::min(source.find('\n', end), source.size());
  return Replaced(source, {end, end}, "\n" + Written(plan, directive));
}

}  // namespace

std::optional<std::string> WithConstant(std::string_view source, std::string_view name,
                                        std::string_view value) {
  const std::optional<LaunchPlan> plan = PlanOf(source);
  if (!plan) return std::nullopt;
  for (const PlanConstant& constant : plan->constants) {
    if (constant.name == name) return Checked(Replaced(source, constant.value.span(), value));
  }
  return std::nullopt;
}

std::optional<std::string> WithNewConstant(std::string_view source, std::string_view name,
                                           std::string_view value) {
  const std::optional<LaunchPlan> plan = PlanOf(source);
  if (!plan) return std::nullopt;
  for (const PlanConstant& constant : plan->constants) {
    if (constant.name == name) return std::nullopt;
  }
  const std::string directive = "const " + std::string(name) + " = " + std::string(value);
  if (plan->constants.empty()) {
    return Checked(InsertedBefore(source, *plan, FirstDirective(*plan), directive));
  }
  return Checked(InsertedAfter(source, *plan, plan->constants.back().directive.end, directive));
}

std::optional<std::string> WithLaunchOption(std::string_view source, size_t launch,
                                            std::string_view option, std::string_view value) {
  std::optional<LaunchPlan> plan = PlanOf(source);
  const PlanLaunch* const found = plan ? LaunchOf(*plan, launch) : nullptr;
  if (found == nullptr) return std::nullopt;
  std::string text(option);
  if (!value.empty()) text += "=" + std::string(value);
  for (const PlanOption& given : found->options) {
    if (given.name == option) return Checked(Replaced(source, given.span, text));
  }
  const size_t end = found->directive.end;
  return Checked(Replaced(source, {end, end}, " " + text));
}

std::optional<std::string> WithoutLaunchOption(std::string_view source, size_t launch,
                                               std::string_view option) {
  std::optional<LaunchPlan> plan = PlanOf(source);
  const PlanLaunch* const found = plan ? LaunchOf(*plan, launch) : nullptr;
  if (found == nullptr) return std::nullopt;
  for (const PlanOption& given : found->options) {
    if (given.name != option) continue;
    PlanSpan span = given.span;
    while (span.begin > 0 && source[span.begin - 1] == ' ') --span.begin;
    if (span.end < source.size() && source[span.end] == ' ') ++span.begin;  // one blank stays
    return Checked(Replaced(source, {std::min(span.begin, given.span.begin), span.end}, ""));
  }
  return std::nullopt;
}

std::optional<std::string> WithLaunchKernel(std::string_view source, size_t launch,
                                            std::string_view kernel) {
  std::optional<LaunchPlan> plan = PlanOf(source);
  const PlanLaunch* const found = plan ? LaunchOf(*plan, launch) : nullptr;
  if (found == nullptr) return std::nullopt;
  return Checked(Replaced(source, found->kernel.span(), kernel));
}

std::optional<std::string> WithScratch(std::string_view source, std::string_view declaration) {
  const std::optional<LaunchPlan> plan = PlanOf(source);
  if (!plan) return std::nullopt;
  const std::string directive = "scratch " + std::string(declaration);
  if (!plan->scratch.empty()) {
    return Checked(InsertedAfter(source, *plan, plan->scratch.back().directive.end, directive));
  }
  if (!plan->constants.empty()) {
    return Checked(InsertedAfter(source, *plan, plan->constants.back().directive.end, directive));
  }
  return Checked(InsertedBefore(source, *plan, FirstDirective(*plan), directive));
}

std::optional<std::string> WithStep(std::string_view source, size_t step,
                                    std::string_view directive) {
  const std::optional<LaunchPlan> plan = PlanOf(source);
  if (!plan) return std::nullopt;
  if (step < plan->steps.size()) {
    return Checked(InsertedBefore(source, *plan, DirectiveOf(plan->steps[step]).begin, directive));
  }
  return Checked(InsertedAfter(source, *plan, DirectiveOf(plan->steps.back()).end, directive));
}

std::optional<std::string> WithoutStep(std::string_view source, size_t step) {
  const std::optional<LaunchPlan> plan = PlanOf(source);
  if (!plan || step >= plan->steps.size()) return std::nullopt;
  const PlanSpan directive = DirectiveOf(plan->steps[step]);
  const size_t begin = LineBegin(source, directive.begin);
  const size_t newline = source.find('\n', directive.end);
  const size_t end = newline == std::string_view::npos ? source.size() : newline + 1;
  return Checked(Replaced(source, {begin, end}, ""));
}

}  // namespace ks
