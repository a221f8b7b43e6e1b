#include <algorithm>
#include <cmath>
#include <cstdint>

extern "C" void cross_entropy(const double* logits, const int64_t* labels, double* loss,
                              int64_t rows, int64_t classes) {
  for (int64_t i = 0; i < rows; ++i) {
    const double* row = logits + i * classes;
    const double largest = *std::max_element(row, row + classes);
    double sum = 0.0;
    for (int64_t j = 0; j < classes; ++j) sum += std::exp(row[j] - largest);
    loss[i] = std::log(sum) + (largest - row[labels[i]]);
  }
}
