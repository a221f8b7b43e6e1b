#include "tests/propose/seeds.h"

#include "base/check.h"
#include "tests/propose/kernel_equality.h"

namespace ks {
namespace {

struct Row {
  const char* name;
  std::vector<std::string> inputs, outputs, axes;
  const char* source;
};

// Shapes as in the task library; conv2d's output is declared larger than what it fills.
const std::vector<Row>& Rows() {
  static const std::vector<Row> rows = {
      {"argmax",
       {"x:f32[outer,middle,inner]"},
       {"y:i32[outer,inner]"},
       {"outer", "middle", "inner"},
       R"(#include <cstdint>

extern "C" void argmax(const float* x, int32_t* y, int64_t outer, int64_t middle,
                       int64_t inner) {
  for (int64_t i = 0; i < outer; ++i) {
    for (int64_t k = 0; k < inner; ++k) {
      float best = x[i * middle * inner + k];
      int32_t best_index = 0;
      for (int64_t j = 1; j < middle; ++j) {
        const float value = x[(i * middle + j) * inner + k];
        if (value > best) {
          best = value;
          best_index = static_cast<int32_t>(j);
        }
      }
      y[i * inner + k] = best_index;
    }
  }
}

)"},
      {"attention",
       {"q:f32[heads,length,dim]", "k:f32[heads,length,dim]", "v:f32[heads,length,dim]"},
       {"y:f32[heads,length,dim]"},
       {"heads", "length", "dim"},
       R"(#include <cmath>
#include <cstdint>
#include <vector>

extern "C" void attention(const float* q, const float* k, const float* v, float* y,
                          int64_t heads, int64_t length, int64_t dim) {
  const float scale = 1.0f / std::sqrt(static_cast<float>(dim));
  std::vector<float> scores(length);
  for (int64_t h = 0; h < heads; ++h) {
    for (int64_t i = 0; i < length; ++i) {
      float largest = -INFINITY;
      for (int64_t j = 0; j <= i; ++j) {
        float sum = 0.0f;
        for (int64_t d = 0; d < dim; ++d) {
          sum += q[(h * length + i) * dim + d] * k[(h * length + j) * dim + d];
        }
        scores[j] = sum * scale;
        if (scores[j] > largest) largest = scores[j];
      }
      float total = 0.0f;
      for (int64_t j = 0; j <= i; ++j) {
        scores[j] = std::exp(scores[j] - largest);
        total += scores[j];
      }
      for (int64_t d = 0; d < dim; ++d) {
        float sum = 0.0f;
        for (int64_t j = 0; j <= i; ++j) {
          sum += scores[j] * v[(h * length + j) * dim + d];
        }
        y[(h * length + i) * dim + d] = sum / total;
      }
    }
  }
}

)"},
      {"batched_matmul",
       {"a:f32[batch,m,k]", "b:f32[batch,k,n]"},
       {"c:f32[batch,m,n]"},
       {"batch", "m", "n", "k"},
       R"(#include <cstdint>

extern "C" void batched_matmul(const float* a, const float* b, float* c, int64_t batch,
                               int64_t m, int64_t n, int64_t k) {
  for (int64_t s = 0; s < batch; ++s) {
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < n; ++j) {
        float sum = 0.0f;
        for (int64_t p = 0; p < k; ++p) {
          sum += a[(s * m + i) * k + p] * b[(s * k + p) * n + j];
        }
        c[(s * m + i) * n + j] = sum;
      }
    }
  }
}

)"},
      {"conv2d",
       {"x:f32[batch,in_channels,height,width]", "weight:f32[out_channels,in_channels,9]",
        "bias:f32[out_channels]"},
       {"y:f32[batch,out_channels,height,width]"},
       {"batch", "in_channels", "out_channels", "height", "width"},
       R"(#include <cstdint>

extern "C" void conv2d(const float* x, const float* weight, const float* bias,
                       float* y, int64_t batch, int64_t in_channels,
                       int64_t out_channels, int64_t height, int64_t width) {
  const int64_t out_height = height - 2;
  const int64_t out_width = width - 2;
  for (int64_t n = 0; n < batch; ++n) {
    for (int64_t oc = 0; oc < out_channels; ++oc) {
      for (int64_t oh = 0; oh < out_height; ++oh) {
        for (int64_t ow = 0; ow < out_width; ++ow) {
          float sum = bias[oc];
          for (int64_t ic = 0; ic < in_channels; ++ic) {
            for (int64_t kh = 0; kh < 3; ++kh) {
              for (int64_t kw = 0; kw < 3; ++kw) {
                sum +=
                    x[((n * in_channels + ic) * height + oh + kh) * width + ow + kw] *
                    weight[((oc * in_channels + ic) * 3 + kh) * 3 + kw];
              }
            }
          }
          y[((n * out_channels + oc) * out_height + oh) * out_width + ow] = sum;
        }
      }
    }
  }
}

)"},
      {"cross_entropy",
       {"logits:f32[rows,classes]", "labels:i64[rows]<classes"},
       {"loss:f32[rows]"},
       {"rows", "classes"},
       R"(#include <cmath>
#include <cstdint>

extern "C" void cross_entropy(const float* logits, const int64_t* labels, float* loss,
                              int64_t rows, int64_t classes) {
  for (int64_t i = 0; i < rows; ++i) {
    float largest = logits[i * classes];
    for (int64_t j = 1; j < classes; ++j) {
      if (logits[i * classes + j] > largest) largest = logits[i * classes + j];
    }
    float sum = 0.0f;
    for (int64_t j = 0; j < classes; ++j) {
      sum += std::exp(logits[i * classes + j] - largest);
    }
    loss[i] = std::log(sum) - (logits[i * classes + labels[i]] - largest);
  }
}

)"},
      {"cumsum",
       {"x:f32[rows,cols]"},
       {"y:f32[rows,cols]"},
       {"rows", "cols"},
       R"(#include <cstdint>

extern "C" void cumsum(const float* x, float* y, int64_t rows, int64_t cols) {
  for (int64_t i = 0; i < rows; ++i) {
    float sum = 0.0f;
    for (int64_t j = 0; j < cols; ++j) {
      sum += x[i * cols + j];
      y[i * cols + j] = sum;
    }
  }
}

)"},
      {"depthwise_conv",
       {"x:f32[batch,channels,height,width]", "weight:f32[channels,9]"},
       {"y:f32[batch,channels,height,width]"},
       {"batch", "channels", "height", "width"},
       R"(#include <cstdint>

extern "C" void depthwise_conv(const float* x, const float* weight, float* y,
                               int64_t batch, int64_t channels, int64_t height,
                               int64_t width) {
  for (int64_t n = 0; n < batch; ++n) {
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t h = 0; h < height; ++h) {
        for (int64_t w = 0; w < width; ++w) {
          float sum = 0.0f;
          for (int64_t kh = 0; kh < 3; ++kh) {
            for (int64_t kw = 0; kw < 3; ++kw) {
              const int64_t ih = h + kh - 1;
              const int64_t iw = w + kw - 1;
              if (ih >= 0 && ih < height && iw >= 0 && iw < width) {
                sum += x[((n * channels + c) * height + ih) * width + iw] *
                       weight[(c * 3 + kh) * 3 + kw];
              }
            }
          }
          y[((n * channels + c) * height + h) * width + w] = sum;
        }
      }
    }
  }
}

)"},
      {"gelu",
       {"x:f32[count]"},
       {"y:f32[count]"},
       {"count"},
       R"(#include <cmath>
#include <cstdint>

extern "C" void gelu(const float* x, float* y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const float value = x[i];
    const float cube = value * value * value;
    const float inner = 0.7978845608f * (value + 0.044715f * cube);
    y[i] = 0.5f * value * (1.0f + std::tanh(inner));
  }
}

)"},
      {"histogram",
       {"keys:i32[count]<bins"},
       {"counts:i32[bins]"},
       {"count", "bins"},
       R"(#include <cstdint>

extern "C" void histogram(const int32_t* keys, int32_t* counts, int64_t count,
                          int64_t bins) {
  for (int64_t i = 0; i < bins; ++i) {
    counts[i] = 0;
  }
  for (int64_t i = 0; i < count; ++i) {
    counts[keys[i]] += 1;
  }
}

)"},
      {"layer_norm",
       {"x:f32[rows,cols]", "gamma:f32[cols]", "beta:f32[cols]", "epsilon:f32"},
       {"y:f32[rows,cols]"},
       {"rows", "cols"},
       R"(#include <cmath>
#include <cstdint>

extern "C" void layer_norm(const float* x, const float* gamma, const float* beta,
                           float epsilon, float* y, int64_t rows, int64_t cols) {
  for (int64_t i = 0; i < rows; ++i) {
    float sum = 0.0f;
    for (int64_t j = 0; j < cols; ++j) {
      sum += x[i * cols + j];
    }
    const float mean = sum / static_cast<float>(cols);
    float squares = 0.0f;
    for (int64_t j = 0; j < cols; ++j) {
      const float difference = x[i * cols + j] - mean;
      squares += difference * difference;
    }
    const float inverse = 1.0f / std::sqrt(squares / static_cast<float>(cols) + epsilon);
    for (int64_t j = 0; j < cols; ++j) {
      y[i * cols + j] = (x[i * cols + j] - mean) * inverse * gamma[j] + beta[j];
    }
  }
}

)"},
      {"log_softmax",
       {"x:f32[rows,cols]"},
       {"y:f32[rows,cols]"},
       {"rows", "cols"},
       R"(#include <cmath>
#include <cstdint>

extern "C" void log_softmax(const float* x, float* y, int64_t rows, int64_t cols) {
  for (int64_t i = 0; i < rows; ++i) {
    float largest = x[i * cols];
    for (int64_t j = 1; j < cols; ++j) {
      if (x[i * cols + j] > largest) largest = x[i * cols + j];
    }
    float sum = 0.0f;
    for (int64_t j = 0; j < cols; ++j) {
      sum += std::exp(x[i * cols + j] - largest);
    }
    const float log_sum = std::log(sum);
    for (int64_t j = 0; j < cols; ++j) {
      y[i * cols + j] = x[i * cols + j] - largest - log_sum;
    }
  }
}

)"},
      {"matmul",
       {"a:f32[m,k]", "b:f32[k,n]"},
       {"c:f32[m,n]"},
       {"m", "n", "k"},
       R"(#include <cstdint>

extern "C" void matmul(const float* a, const float* b, float* c, int64_t m, int64_t n,
                       int64_t k) {
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      float sum = 0.0f;
      for (int64_t p = 0; p < k; ++p) {
        sum += a[i * k + p] * b[p * n + j];
      }
      c[i * n + j] = sum;
    }
  }
}

)"},
      {"matvec",
       {"a:f32[rows,cols]", "x:f32[cols]"},
       {"y:f32[rows]"},
       {"rows", "cols"},
       R"(#include <cstdint>

extern "C" void matvec(const float* a, const float* x, float* y, int64_t rows,
                       int64_t cols) {
  for (int64_t i = 0; i < rows; ++i) {
    float sum = 0.0f;
    for (int64_t j = 0; j < cols; ++j) {
      sum += a[i * cols + j] * x[j];
    }
    y[i] = sum;
  }
}

)"},
      {"rms_norm",
       {"x:f32[batch,channels,spatial]", "epsilon:f32"},
       {"y:f32[batch,channels,spatial]"},
       {"batch", "channels", "spatial"},
       R"(#include <cmath>
#include <cstdint>

extern "C" void rms_norm(const float* x, float epsilon, float* y, int64_t batch,
                         int64_t channels, int64_t spatial) {
  for (int64_t n = 0; n < batch; ++n) {
    for (int64_t s = 0; s < spatial; ++s) {
      float squares = 0.0f;
      for (int64_t c = 0; c < channels; ++c) {
        const float value = x[(n * channels + c) * spatial + s];
        squares += value * value;
      }
      const float rms = std::sqrt(squares / static_cast<float>(channels) + epsilon);
      for (int64_t c = 0; c < channels; ++c) {
        y[(n * channels + c) * spatial + s] = x[(n * channels + c) * spatial + s] / rms;
      }
    }
  }
}

)"},
      {"softmax",
       {"x:f32[rows,cols]"},
       {"y:f32[rows,cols]"},
       {"rows", "cols"},
       R"(#include <cmath>
#include <cstdint>

extern "C" void softmax(const float* x, float* y, int64_t rows, int64_t cols) {
  for (int64_t i = 0; i < rows; ++i) {
    float largest = x[i * cols];
    for (int64_t j = 1; j < cols; ++j) {
      if (x[i * cols + j] > largest) largest = x[i * cols + j];
    }
    float sum = 0.0f;
    for (int64_t j = 0; j < cols; ++j) {
      y[i * cols + j] = std::exp(x[i * cols + j] - largest);
      sum += y[i * cols + j];
    }
    for (int64_t j = 0; j < cols; ++j) {
      y[i * cols + j] = y[i * cols + j] / sum;
    }
  }
}

)"},
      {"spmv",
       {"row_ptr:i32[rows+1]rising<nnz", "col_idx:i32[nnz]<cols", "values:f32[nnz]", "x:f32[cols]"},
       {"y:f32[rows]"},
       {"rows", "cols", "nnz"},
       R"(#include <cstdint>

extern "C" void spmv(const int32_t* row_ptr, const int32_t* col_idx,
                     const float* values, const float* x, float* y, int64_t rows,
                     int64_t cols, int64_t nnz) {
  for (int64_t i = 0; i < rows; ++i) {
    float sum = 0.0f;
    for (int64_t j = row_ptr[i]; j < row_ptr[i + 1]; ++j) {
      sum += values[j] * x[col_idx[j]];
    }
    y[i] = sum;
  }
}

)"},
      {"sum_middle",
       {"x:f32[outer,middle,inner]"},
       {"y:f32[outer,inner]"},
       {"outer", "middle", "inner"},
       R"(#include <cstdint>

extern "C" void sum_middle(const float* x, float* y, int64_t outer, int64_t middle,
                           int64_t inner) {
  for (int64_t i = 0; i < outer; ++i) {
    for (int64_t k = 0; k < inner; ++k) {
      float sum = 0.0f;
      for (int64_t j = 0; j < middle; ++j) {
        sum += x[(i * middle + j) * inner + k];
      }
      y[i * inner + k] = sum;
    }
  }
}

)"},
      {"transpose",
       {"x:f32[rows,cols]"},
       {"y:f32[cols,rows]"},
       {"rows", "cols"},
       R"(#include <cstdint>

extern "C" void transpose(const float* x, float* y, int64_t rows, int64_t cols) {
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < cols; ++j) {
      y[j * rows + i] = x[i * cols + j];
    }
  }
}

)"},
  };
  return rows;
}

}  // namespace

SeedCase SeedNamed(const std::string& name) {
  for (const Row& row : Rows()) {
    if (row.name == name) {
      return {TaskOf(row.name, row.inputs, row.outputs, row.axes), row.source};
    }
  }
  KS_CHECK(false);  // an unknown name
  return {};
}

std::vector<std::string> SeedNames() {
  std::vector<std::string> names;
  for (const Row& row : Rows()) names.emplace_back(row.name);
  return names;
}

}  // namespace ks
