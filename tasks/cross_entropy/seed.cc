// ksmith: compiler g++
// ksmith: flags -O2
#include <cmath>
#include <cstdint>

// loss[rows] = log(sum(exp(logits[row]))) - logits[row, labels[row]]
extern "C" void cross_entropy(const float* logits, const int64_t* labels, float* loss, int64_t rows,
                              int64_t classes) {
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
