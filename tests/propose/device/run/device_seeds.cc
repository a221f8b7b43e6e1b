#include "tests/propose/device/run/device_seeds.h"

#include <fstream>
#include <map>
#include <sstream>

#include "base/check.h"
#include "tests/propose/kernel_equality.h"

namespace ks {
namespace {

struct Shape {
  std::vector<std::string> inputs, outputs, axes;
  std::vector<std::vector<int64_t>> sizes;
};

const std::map<std::string, Shape>& Shapes() {
  static const std::map<std::string, Shape> kShapes = {
      {"argmax",
       {{"x:f32[outer,middle,inner]"},
        {"y:i32[outer,inner]"},
        {"outer", "middle", "inner"},
        {{1, 1, 1}, {2, 37, 19}, {3, 64, 33}}}},
      {"attention",
       {{"q:f32[heads,length,dim]", "k:f32[heads,length,dim]", "v:f32[heads,length,dim]"},
        {"y:f32[heads,length,dim]"},
        {"heads", "length", "dim"},
        {{1, 1, 2}, {2, 77, 5}, {1, 130, 32}}}},
      {"attention_block",
       {{"x:f32[batch,length,heads*dim]", "w_qkv:f32[heads*dim,3*heads*dim]",
         "b_qkv:f32[3*heads*dim]", "w_out:f32[heads*dim,heads*dim]", "b_out:f32[heads*dim]"},
        {"y:f32[batch,length,heads*dim]"},
        {"batch", "length", "heads", "dim"},
        {{1, 1, 1, 2}, {2, 5, 3, 7}, {1, 33, 2, 16}}}},
      {"conv2d",
       {{"x:f32[batch,in_channels,height,width]", "weight:f32[out_channels,in_channels,9]",
         "bias:f32[out_channels]"},
        {"y:f32[batch,out_channels,height+-2,width+-2]"},
        {"batch", "in_channels", "out_channels", "height", "width"},
        {{1, 1, 1, 3, 3}, {2, 3, 5, 7, 9}, {1, 4, 8, 18, 34}}}},
      {"cross_entropy",
       {{"logits:f32[rows,classes]", "labels:i64[rows]<classes"},
        {"loss:f32[rows]"},
        {"rows", "classes"},
        {{1, 1}, {3, 77}, {5, 512}}}},
      {"cumsum",
       {{"x:f32[rows,cols]"},
        {"y:f32[rows,cols]"},
        {"rows", "cols"},
        {{1, 1}, {3, 77}, {2, 1000}, {2, 2049}}}},
      {"depthwise_conv",
       {{"x:f32[batch,channels,height,width]", "weight:f32[channels,9]"},
        {"y:f32[batch,channels,height,width]"},
        {"batch", "channels", "height", "width"},
        {{1, 1, 1, 1}, {2, 3, 5, 7}, {1, 2, 19, 40}}}},
      {"gelu", {{"x:f32[count]"}, {"y:f32[count]"}, {"count"}, {{1}, {7}, {4100}}}},
      {"histogram",
       {{"keys:i32[count]<bins"},
        {"counts:i32[bins]"},
        {"count", "bins"},
        {{1, 1}, {77, 5}, {5000, 300}, {3000, 9000}}}},
      {"layer_norm",
       {{"x:f32[rows,cols]", "gamma:f32[cols]", "beta:f32[cols]", "epsilon:f32"},
        {"y:f32[rows,cols]"},
        {"rows", "cols"},
        {{1, 1}, {3, 77}, {2, 1024}}}},
      {"matmul",
       {{"a:f32[m,k]", "b:f32[k,n]"},
        {"c:f32[m,n]"},
        {"m", "n", "k"},
        {{1, 1, 1}, {7, 9, 33}, {64, 48, 32}}}},
      {"matmul_tf32",
       {{"a:f32[m,k]", "b:f32[k,n]"},
        {"c:f32[m,n]"},
        {"m", "n", "k"},
        {{1, 1, 1}, {7, 9, 33}, {64, 48, 32}}}},
      {"matmul_tall_k",
       {{"a:f32[m,k]", "b:f32[k,n]"},
        {"c:f32[m,n]"},
        {"m", "n", "k"},
        {{1, 1, 1}, {7, 9, 133}, {16, 32, 1024}}}},
      {"matvec",
       {{"a:f32[rows,cols]", "x:f32[cols]"},
        {"y:f32[rows]"},
        {"rows", "cols"},
        {{1, 1}, {3, 77}, {2, 2048}}}},
      {"max_pool2d",
       {{"x:f32[planes,height,width]"},
        {"y:f32[planes,height+-1,width+-1]"},
        {"planes", "height", "width"},
        {{1, 2, 2}, {2, 5, 7}, {1, 19, 40}}}},
      {"rms_norm",
       {{"x:f32[batch,channels,spatial]", "epsilon:f32"},
        {"y:f32[batch,channels,spatial]"},
        {"batch", "channels", "spatial"},
        {{1, 1, 1}, {2, 3, 77}, {1, 8, 130}}}},
      {"softmax",
       {{"x:f32[rows,cols]"}, {"y:f32[rows,cols]"}, {"rows", "cols"}, {{1, 1}, {3, 77}, {5, 512}}}},
      {"spmv",
       {{"row_ptr:i32[rows+1]rising<nnz", "col_idx:i32[nnz]<cols", "values:f32[nnz]",
         "x:f32[cols]"},
        {"y:f32[rows]"},
        {"rows", "cols", "nnz"},
        {{1, 1, 1}, {33, 7, 129}, {70, 300, 4099}}}},
      {"sum_middle",
       {{"x:f32[outer,middle,inner]"},
        {"y:f32[outer,inner]"},
        {"outer", "middle", "inner"},
        {{1, 1, 1}, {2, 37, 19}, {3, 64, 33}}}},
      {"transpose",
       {{"x:f32[rows,cols]"}, {"y:f32[cols,rows]"}, {"rows", "cols"}, {{1, 1}, {33, 7}, {64, 70}}}},
  };
  return kShapes;
}

}  // namespace

DeviceSeed DeviceSeedOf(const std::string& task, const std::string& backend) {
  const Shape& shape = Shapes().at(task);
  DeviceSeed seed;
  seed.task = TaskOf(task, shape.inputs, shape.outputs, shape.axes);
  const std::string path = std::string(KS_SOURCE_DIR) + "/tasks/" + task +
                           (backend == "cuda"     ? "/seed.cu"
                            : backend == "opencl" ? "/seed.cl"
                                                  : "/seed_triton.py");
  std::ifstream file(path);
  KS_CHECK(file.good());
  std::stringstream text;
  text << file.rdbuf();
  seed.source = text.str();
  for (const std::vector<int64_t>& values : shape.sizes) {
    AxisValues axes;
    for (size_t i = 0; i < shape.axes.size(); ++i) axes[shape.axes[i]] = values[i];
    seed.sizes.push_back(axes);
  }
  return seed;
}

}  // namespace ks
