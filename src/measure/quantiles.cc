#include "measure/quantiles.h"

#include <cmath>
#include <numbers>

#include "base/check.h"

namespace ks {
namespace {

// P(T > t) for t >= 0: closed form of the finite series (Abramowitz and Stegun 26.7.3, 26.7.4).
double StudentUpperTail(double t, int dof) {
  const double theta = std::atan(t / std::sqrt(static_cast<double>(dof)));
  const double c2 = std::cos(theta) * std::cos(theta);
  double sum = 0;
  if (dof % 2 == 1) {
    double term = std::cos(theta);
    for (int j = 1; j <= dof - 2; j += 2) {
      sum += term;
      term *= c2 * (j + 1) / (j + 2);
    }
    return 0.5 - (theta + std::sin(theta) * sum) / std::numbers::pi;
  }
  double term = 1;
  for (int j = 0; j <= dof - 2; j += 2) {
    sum += term;
    term *= c2 * (j + 1) / (j + 2);
  }
  return 0.5 - 0.5 * std::sin(theta) * sum;
}

// The argument in [0, high] at which the falling function `tail` is `upper`.
template <typename F>
double Solve(F tail, double upper, double high) {
  double low = 0;
  for (int i = 0; i < 80; ++i) {
    const double middle = 0.5 * (low + high);
    (tail(middle) > upper ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

}  // namespace

double NormalUpperQuantile(double upper) {
  KS_CHECK(upper > 0 && upper < 1);
  if (upper > 0.5) return -NormalUpperQuantile(1 - upper);
  return Solve([](double z) { return 0.5 * std::erfc(z / std::numbers::sqrt2); }, upper, 40.0);
}

double StudentUpperQuantile(double upper, int dof) {
  KS_CHECK(upper > 0 && upper < 1 && dof >= 1);
  if (upper > 0.5) return -StudentUpperQuantile(1 - upper, dof);
  return Solve([dof](double t) { return StudentUpperTail(t, dof); }, upper, 1e5);
}

}  // namespace ks
