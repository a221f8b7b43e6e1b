// The skills for device languages on the library's seeds: every child computes what its parent
// does.
#include <gtest/gtest.h>

#include "tests/propose/device/run/device_equality.h"
#include "tests/propose/device/run/device_seeds.h"

namespace ks {
namespace {

struct Case {
  const char *skill, *seed, *backend;
};

class DeviceSkillRun : public testing::TestWithParam<Case> {};

TEST_P(DeviceSkillRun, KeepsTheResult) {
  const auto& [skill, seed, backend] = GetParam();
  const DeviceSeed parent = DeviceSeedOf(seed, backend);
  EXPECT_GT(ExpectDeviceEditsKeepResult(skill, parent.task, parent.source, backend, parent.sizes),
            0);
}

std::string NameOf(const testing::TestParamInfo<Case>& info) {
  return std::string(info.param.skill) + "_" + info.param.seed + "_" + info.param.backend;
}

INSTANTIATE_TEST_SUITE_P(
    Seeds, DeviceSkillRun,
    testing::Values(
        Case{"share_row", "cross_entropy", "cuda"}, Case{"share_row", "layer_norm", "cuda"},
        Case{"joined_moments", "layer_norm", "cuda"}, Case{"spread_row", "layer_norm", "cuda"},
        Case{"joined_moments", "layer_norm", "opencl"}, Case{"split_loops", "layer_norm", "cuda"},
        Case{"split_loops", "layer_norm", "opencl"}, Case{"split_loops", "cross_entropy", "cuda"},
        Case{"split_loops", "matmul_tall_k", "cuda"}, Case{"split_loops", "matvec", "cuda"},
        Case{"split_loops", "softmax", "opencl"}, Case{"split_loops", "matmul", "opencl"},
        Case{"share_row", "sum_middle", "opencl"}, Case{"share_row", "softmax", "opencl"},
        Case{"tile_contraction", "matmul", "cuda"}, Case{"tile_contraction", "attention", "cuda"},
        Case{"tile_contraction", "attention_block", "cuda"}, Case{"share_row", "attention", "cuda"},
        Case{"tile_contraction", "matmul", "opencl"}, Case{"tile_contraction", "conv2d", "cuda"},
        Case{"block_scan", "cumsum", "cuda"}, Case{"block_scan", "cumsum", "opencl"},
        Case{"private_bins", "histogram", "cuda"}, Case{"private_bins", "histogram", "opencl"},
        Case{"persistent_grid", "conv2d", "cuda"}, Case{"persistent_grid", "gelu", "opencl"},
        Case{"persistent_grid", "max_pool2d", "cuda"},
        Case{"stencil_strips", "depthwise_conv", "cuda"},
        Case{"stencil_strips", "max_pool2d", "cuda"}, Case{"vector_access", "gelu", "cuda"},
        Case{"vector_access", "gelu", "opencl"}, Case{"tile_transpose", "transpose", "cuda"},
        Case{"specialize_axes", "softmax", "cuda"}, Case{"unroll_loops", "matmul", "cuda"},
        Case{"cache_hints", "gelu", "cuda"}, Case{"launch_bounds", "matmul", "cuda"}),
    NameOf);

}  // namespace
}  // namespace ks
