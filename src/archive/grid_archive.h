// The archive that keeps one elite a cell of a grid of named strategies: the default.
#ifndef KS_ARCHIVE_GRID_ARCHIVE_H_
#define KS_ARCHIVE_GRID_ARCHIVE_H_

#include <functional>
#include <utility>
#include <vector>

#include "archive/cpu_descriptor.h"
#include "archive/island_archive.h"

namespace ks {

class GridArchive final : public IslandArchive {
 public:
  // One bin an axis.
  using Describe = std::function<std::vector<int>(const Evaluation&)>;

  explicit GridArchive(const SearchConfig& config,
                       std::vector<DescriptorAxis> axes = CpuDescriptorAxes(),
                       Describe describe = CpuCell)
      : GridArchive(config, DescriptorSpace{std::move(axes), std::move(describe), {}, {}}) {}

  GridArchive(const SearchConfig& config, const DescriptorSpace& space)
      : IslandArchive(config, space, GridCells(space), IslandRule{}) {}
};

}  // namespace ks

#endif  // KS_ARCHIVE_GRID_ARCHIVE_H_
