#include "archive/cell_map.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "base/rng.h"

namespace ks {
namespace {

// Divisible by every number of steps up to ten, so that bins lie on whole numbers.
constexpr double kScale = 5040;
constexpr uint64_t kCvtSeed = 1;
constexpr size_t kFewestSamples = 4096;
constexpr size_t kSamplesPerCell = 8;
constexpr int kLloydRounds = 12;

using Point = std::vector<double>;

double SquaredDistance(const Point& a, const Point& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

// Equal distances: the lower index.
size_t Nearest(const std::vector<Point>& centroids, const Point& point) {
  size_t nearest = 0;
  double least = std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < centroids.size(); ++i) {
    const double distance = SquaredDistance(centroids[i], point);
    if (distance < least) {
      least = distance;
      nearest = i;
    }
  }
  return nearest;
}

std::vector<Point> SampleSpace(const DescriptorSpace& space, size_t count) {
  Rng rng(DeriveSeed(kCvtSeed, "cvt", space.dimensions.size()));
  std::vector<Point> samples(count, Point(space.dimensions.size()));
  for (Point& sample : samples) {
    for (size_t i = 0; i < sample.size(); ++i) {
      const int levels = space.dimensions[i].levels;
      sample[i] =
          levels < 2 ? rng.Uniform()
                     : static_cast<double>(rng.Below(static_cast<uint64_t>(levels))) / (levels - 1);
    }
  }
  return samples;
}

// Every centroid moves to the mean of the samples that are nearest to it; one without any stays.
void LloydRound(const std::vector<Point>& samples, std::vector<Point>& centroids) {
  std::vector<Point> sums(centroids.size(), Point(centroids[0].size(), 0.0));
  std::vector<double> members(centroids.size(), 0);
  for (const Point& sample : samples) {
    const size_t nearest = Nearest(centroids, sample);
    for (size_t i = 0; i < sample.size(); ++i) sums[nearest][i] += sample[i];
    ++members[nearest];
  }
  for (size_t c = 0; c < centroids.size(); ++c) {
    if (members[c] == 0) continue;
    for (size_t i = 0; i < centroids[c].size(); ++i) centroids[c][i] = sums[c][i] / members[c];
  }
}

}  // namespace

CellMap::CellMap(const std::vector<std::vector<double>>& points, CellOfEvaluation cell_of)
    : size_(points.size()), cell_of_(std::move(cell_of)) {
  KS_CHECK(!points.empty());
  dimensions_ = points[0].size();
  for (const std::vector<double>& point : points) {
    KS_CHECK(point.size() == dimensions_);
    for (const double x : point)
      coordinates_.push_back(static_cast<uint16_t>(std::lround(x * kScale)));
  }
}

size_t CellMap::CellOf(const Evaluation& evaluation) const {
  const size_t cell = cell_of_(evaluation);
  KS_CHECK(cell < size_);
  return cell;
}

CellMap GridCells(const DescriptorSpace& space) {
  size_t cells = 1;
  std::vector<size_t> sizes;
  for (const DescriptorAxis& axis : space.axes) {
    KS_CHECK(!axis.bins.empty());
    sizes.push_back(axis.bins.size());
    cells *= axis.bins.size();
  }
  std::vector<Point> points(cells, Point(sizes.size()));
  for (size_t cell = 0; cell < cells; ++cell) {
    size_t rest = cell;
    for (size_t i = sizes.size(); i-- > 0; rest /= sizes[i]) {
      points[cell][i] = static_cast<double>(rest % sizes[i]) /
                        static_cast<double>(std::max<size_t>(2, sizes[i]) - 1);
    }
  }
  return CellMap(points, [sizes, bins_of = space.bins](const Evaluation& evaluation) {
    const std::vector<int> bins = bins_of(evaluation);
    KS_CHECK(bins.size() == sizes.size());
    size_t cell = 0;
    for (size_t i = 0; i < bins.size(); ++i) {
      KS_CHECK(bins[i] >= 0 && static_cast<size_t>(bins[i]) < sizes[i]);
      cell = cell * sizes[i] + static_cast<size_t>(bins[i]);
    }
    return cell;
  });
}

CellMap CvtCells(const DescriptorSpace& space, size_t count) {
  KS_CHECK(count >= 1 && !space.dimensions.empty());
  const std::vector<Point> samples =
      SampleSpace(space, std::max(kFewestSamples, kSamplesPerCell * count));
  std::vector<Point> centroids(samples.begin(),
                               samples.begin() + static_cast<std::ptrdiff_t>(count));
  for (int round = 0; round < kLloydRounds; ++round) LloydRound(samples, centroids);
  CellMap::CellOfEvaluation cell_of = [centroids,
                                       place = space.place](const Evaluation& evaluation) {
    return Nearest(centroids, place(evaluation));
  };
  return CellMap(centroids, std::move(cell_of));
}

}  // namespace ks
