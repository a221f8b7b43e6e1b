#include "propose/device/dot_tile.h"

#include "core/launch_plan_edit.h"

namespace ks {

const std::vector<DotShape>& KnownDotShapes() {
  static const std::vector<DotShape> kShapes = {
      {128, 256, 64, 8, 3}, {128, 256, 32, 8, 4}, {128, 128, 64, 8, 3}, {128, 128, 32, 4, 4},
      {256, 128, 64, 8, 3}, {128, 128, 32, 8, 3}, {128, 64, 64, 4, 4},  {64, 128, 64, 4, 4},
      {64, 64, 64, 4, 4},   {64, 256, 32, 4, 4},  {64, 32, 64, 4, 5},   {32, 32, 64, 2, 5}};
  return kShapes;
}

std::optional<DotTile> TileOfDot(const DeviceContext& context, const DeviceKernel& kernel,
                                 Node dot) {
  // The sum: third argument, or what `+=` adds to.
  std::string sum;
  const std::vector<Node> arguments = PositionalArguments(dot);
  if (arguments.size() >= 3) sum = std::string(arguments[2].text());
  if (const Node acc = KeywordArgument(dot, "acc")) sum = std::string(acc.text());
  for (Node up = dot.parent(); up && sum.empty(); up = up.parent()) {
    if (up.Is("augmented_assignment") || up.Is("assignment")) {
      sum = std::string(up.Child("left").text());
    }
  }
  DotTile tile;
  for (Node zeros : CallsOf(kernel.body, "tl.zeros")) {
    Node up = zeros.parent();
    while (up && !up.Is("assignment")) up = up.parent();
    if (!up || up.Child("left").text() != sum) continue;
    const std::vector<Node> shape = PositionalArguments(zeros);
    if (shape.empty()) continue;
    const std::vector<Node> extents = shape[0].NamedChildren();
    if (extents.size() != 2) continue;
    tile.rows = std::string(extents[0].text());
    tile.columns = std::string(extents[1].text());
  }
  for (const PythonLoop& loop : RangeLoops(kernel.body)) {
    if (loop.node.Contains(dot)) tile.depth = loop.step;
  }
  for (const std::string* name : {&tile.rows, &tile.columns, &tile.depth}) {
    if (!context.HasConstant(*name)) return std::nullopt;
  }
  // One constant for two extents has no shape to choose.
  const bool apart =
      tile.rows != tile.columns && tile.columns != tile.depth && tile.rows != tile.depth;
  return apart ? std::optional(tile) : std::nullopt;
}

bool FitsShared(const DeviceContext& context, const DotShape& shape, int operand_bytes) {
  const int64_t room = context.device().shared_bytes_per_block;
  const int64_t bytes =
      int64_t{shape.rows + shape.columns} * shape.depth * operand_bytes * shape.stages;
  return room == 0 || bytes <= room;
}

std::optional<std::string> WithDotShape(const std::string& source,
                                        const std::vector<size_t>& launches, const DotTile& tile,
                                        const DotShape& shape) {
  std::optional<std::string> out = source;
  const std::pair<std::string, int> values[] = {
      {tile.rows, shape.rows}, {tile.columns, shape.columns}, {tile.depth, shape.depth}};
  for (const auto& [name, value] : values) {
    out = WithConstant(*out, name, std::to_string(value));
    if (!out) return std::nullopt;
  }
  for (const size_t launch : launches) {
    out = WithLaunchOption(*out, launch, "num_warps", std::to_string(shape.warps));
    if (!out) return std::nullopt;
    out = WithLaunchOption(*out, launch, "num_stages", std::to_string(shape.stages));
    if (!out) return std::nullopt;
  }
  return out;
}

}  // namespace ks
