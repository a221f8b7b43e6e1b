#include "propose/device/strip_place.h"

namespace ks {

std::vector<LoopHeader> AxesBeyond(const VirtualNest& nest, size_t strip) {
  std::vector<LoopHeader> axes;
  for (size_t g = 0; g + 1 < nest.grid.size(); ++g) {
    if (g != strip) axes.push_back(nest.grid[g]);
  }
  return axes;
}

std::string StripPlace(const DeviceText& text, const VirtualNest& nest, size_t strip,
                       const StripNames& names) {
  const std::string& type = nest.index_type;
  const LoopHeader& across = nest.grid.back();
  const std::string wide = "(" + text.Expr(across.high) + ")",
                    high = "(" + text.Expr(nest.grid[strip].high) + ")";
  const std::string tall = names.down + " * " + names.outputs;
  std::string place = type + " ks_block = " + text.Block(0) + ";\n";
  place += "const " + type + " ks_across = (" + wide + " + " + names.threads + " - 1) / " +
           names.threads + ";\n";
  place += "const " + type + " ks_down = (" + high + " + " + tall + " - 1) / (" + tall + ");\n";
  place += "const " + across.cpp_type + " " + across.name + " = ks_block % ks_across * " +
           names.threads + " + " + text.Thread(0) + ";\nks_block /= ks_across;\n";
  place += "const " + type + " ks_first = (ks_block % ks_down * " + names.down + " + " +
           text.Thread(1) + ") * " + names.outputs + ";\nks_block /= ks_down;\n";
  const std::vector<LoopHeader> beyond = AxesBeyond(nest, strip);
  if (!beyond.empty()) place += text.Unflatten(beyond, "ks_block");
  return place + "if (" + across.name + " >= " + wide + " || ks_first >= " + high + ") return;\n";
}

std::optional<KernelRewrite> StripLaunch(const VirtualNest& nest, size_t strip,
                                         const StripNames& names, const StripSizes& sizes) {
  const auto beyond = PlanExtent(nest, AxesBeyond(nest, strip)),
             tall = PlanExtent(nest, {nest.grid[strip]}),
             wide = PlanExtent(nest, {nest.grid.back()});
  if (!beyond || !tall || !wide) return std::nullopt;
  KernelRewrite rewrite;
  rewrite.constants = {{names.threads, std::to_string(sizes.threads)},
                       {names.down, std::to_string(sizes.down)},
                       {names.outputs, std::to_string(sizes.outputs)}};
  rewrite.block = names.threads + ", " + names.down;
  rewrite.grid = "ceil_div(" + *wide + ", " + names.threads + ")*ceil_div(" + *tall + ", " +
                 names.down + "*" + names.outputs + ")";
  if (*beyond != "1") rewrite.grid += "*" + *beyond;
  return rewrite;
}

}  // namespace ks
