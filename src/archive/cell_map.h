// From evaluations to cells: the bins of a grid, or the regions around centroids (a centroidal
// Voronoi tessellation, Vassiliades et al. 2018).
#ifndef KS_ARCHIVE_CELL_MAP_H_
#define KS_ARCHIVE_CELL_MAP_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "archive/descriptor.h"

namespace ks {

// Immutable, thread-safe.
class CellMap {
 public:
  using CellOfEvaluation = std::function<size_t(const Evaluation&)>;
  // `points`: one per cell, each of `dimensions` coordinates in [0, 1].
  CellMap(const std::vector<std::vector<double>>& points, CellOfEvaluation cell_of);

  size_t size() const { return size_; }
  // REQUIRES: what the descriptor space gave lies in its range.
  size_t CellOf(const Evaluation& evaluation) const;
  // Sum over the coordinates, whole numbers: equal distances are equal.
  int64_t Distance(size_t a, size_t b) const {
    const uint16_t* const from = &coordinates_[a * dimensions_];
    const uint16_t* const to = &coordinates_[b * dimensions_];
    int64_t sum = 0;
    for (size_t i = 0; i < dimensions_; ++i)
      sum += from[i] > to[i] ? from[i] - to[i] : to[i] - from[i];
    return sum;
  }

 private:
  size_t size_ = 0;
  size_t dimensions_ = 0;
  std::vector<uint16_t> coordinates_;  // of all cells, one after the other
  CellOfEvaluation cell_of_;
};

// One cell a combination of bins.
CellMap GridCells(const DescriptorSpace& space);

// `count` regions of the descriptor vector: k-means (Lloyd) over samples drawn evenly from the
// space with a fixed seed. The same space and count give the same regions in every run. Takes up
// to a second for the largest counts. REQUIRES: count >= 1.
CellMap CvtCells(const DescriptorSpace& space, size_t count);

}  // namespace ks

#endif  // KS_ARCHIVE_CELL_MAP_H_
