#include "task/scaffold.h"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "task/loader.h"

namespace ks {
namespace {

constexpr std::string_view kTaskToml =
    R"(# What the kernel must compute, on which inputs, how exactly. See docs/task_format.md.
[task]
name = "NAME"
summary = "Residual connection: y = x + alpha * branch, row by row"
precision = "f32"
axes = ["rows", "cols"]

# Argument order of the kernel: inputs, outputs, then the axes as int64_t.
[[input]]
name = "x"
dtype = "f32"
shape = ["rows", "cols"]
fill = { kind = "normal" }

[[input]]
name = "branch"
dtype = "f32"
shape = ["rows", "cols"]
fill = { kind = "normal", std = 2 }

[[input]]
name = "alpha"
dtype = "f32"
scalar = true
value = 0.625

[[output]]
name = "y"
dtype = "f32"
shape = ["rows", "cols"]

[cost]
flops = "2*rows*cols"

# Against the reference in double precision; an honest kernel is about three times better.
[tolerance]
relative = 2e-6
absolute = 1e-7
norm_relative = 1e-6

[reference]
file = "reference.cc"

[seed.cpu]
file = "seed.cc"

# Timed: these decide the speed-up.
[[workload]]
axes = { rows = 512, cols = 1024 }
role = "time"

# Checked: odd, prime and tiny sizes find wrong tails. Keep them small.
[[workload]]
axes = { rows = 1, cols = 2 }
role = "check"
[[workload]]
axes = { rows = 3, cols = 7 }
role = "check"
[[workload]]
axes = { rows = 13, cols = 31 }
role = "check"
[[workload]]
axes = { rows = 33, cols = 129 }
role = "check"

# Never shown to the search; reported for the winner.
[[workload]]
axes = { rows = 64, cols = 5003 }
role = "held_out"
)";

constexpr std::string_view kReference =
    R"(// The oracle: the same entry and argument order, every float as double.
#include <cstdint>

extern "C" void NAME(const double* x, const double* branch, double alpha, double* y, int64_t rows,
                     int64_t cols) {
  for (int64_t i = 0; i < rows * cols; ++i) {
    y[i] = x[i] + alpha * branch[i];
  }
}
)";

constexpr std::string_view kSeed = R"(// ksmith: compiler g++
// ksmith: flags -O2
#include <cstdint>

extern "C" void NAME(const float* x, const float* branch, float alpha, float* y, int64_t rows,
                     int64_t cols) {
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t col = 0; col < cols; ++col) {
      y[row * cols + col] = x[row * cols + col] + alpha * branch[row * cols + col];
    }
  }
}
)";

}  // namespace

Status WriteScaffold(FileSystem& files, const std::string& dir, const std::string& name) {
  if (!IsUsableName(name)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("'{}' cannot name a task: use letters, digits and _, beginning with a "
                             "letter, and no C++ keyword",
                             name)};
  }
  const auto listed = files.List(dir);
  if (files.IsFile(dir) || (listed && !listed->empty())) {
    return Error{ErrorCode::kFailedPrecondition,
                 fmt::format("'{}' is there already and not empty; choose another folder", dir)};
  }
  KS_RETURN_IF_ERROR(files.MakeDirs(dir));
  const std::array<std::pair<const char*, std::string_view>, 3> contents = {
      {{"reference.cc", kReference}, {"seed.cc", kSeed}, {"task.toml", kTaskToml}}};
  for (const auto& [file, text] : contents) {
    KS_RETURN_IF_ERROR(
        files.WriteAtomically(dir + "/" + file, ReplaceAll(std::string(text), "NAME", name)));
  }
  return {};
}

}  // namespace ks
