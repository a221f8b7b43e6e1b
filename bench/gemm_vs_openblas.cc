// A matmul candidate against OpenBLAS sgemm on one thread, interleaved in one process.
// Usage: gemm_vs_openblas KERNEL.cc [SIZE]. Compiles the kernel with the flags in its directives,
// loads libopenblas.so.0 at run time. Prints one JSON line. For kernels that the evaluator has
// accepted only: the candidate runs in this process.
#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "base/rng.h"
#include "base/text.h"
#include "core/kernel_source.h"

namespace ks {
namespace {

using Matmul = void (*)(const float*, const float*, float*, int64_t, int64_t, int64_t);
using Sgemm = void (*)(int, int, int, int, int, int, float, const float*, int, const float*, int,
                       float, float*, int);

struct Free {
  void operator()(float* p) const { std::free(p); }
};
using Buffer = std::unique_ptr<float, Free>;

Buffer RandomMatrix(size_t count, Rng& rng) {
  Buffer buffer(
      static_cast<float*>(std::aligned_alloc(64, (count * sizeof(float) + 63) / 64 * 64)));
  for (size_t i = 0; i < count; ++i) buffer.get()[i] = static_cast<float>(rng.Normal());
  return buffer;
}

template <typename F>
double TimeNs(F&& call) {
  const auto begin = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count();
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

int Run(const std::string& path, int64_t size) {
  std::ifstream file(path);
  const std::string source{std::istreambuf_iterator<char>(file), {}};
  const BuildDirectives directives = ParseBuildDirectives(source);
  const std::string object = fmt::format("/tmp/gemm_vs_openblas.{}.so", Rng(SecretSeed()).Next());
  const std::string command =
      fmt::format("{} -std=c++20 -shared -fPIC {} -o {} -x c++ {}", directives.compiler,
                  Join(directives.flags, " "), object, path);
  if (source.empty() || std::system(command.c_str()) != 0) return 1;
  void* kernel = dlopen(object.c_str(), RTLD_NOW);
  std::remove(object.c_str());
  void* blas = dlopen("libopenblas.so.0", RTLD_NOW);
  if (kernel == nullptr || blas == nullptr) {
    fmt::print(stderr, "cannot load: {}\n", dlerror());
    return 1;
  }
  const auto matmul = reinterpret_cast<Matmul>(dlsym(kernel, "matmul"));
  const auto sgemm = reinterpret_cast<Sgemm>(dlsym(blas, "cblas_sgemm"));
  reinterpret_cast<void (*)(int)>(dlsym(blas, "openblas_set_num_threads"))(1);
  Rng rng(7);
  const auto count = static_cast<size_t>(size * size);
  const Buffer a = RandomMatrix(count, rng);
  const Buffer b = RandomMatrix(count, rng);
  const Buffer c = RandomMatrix(count, rng);
  const int n = static_cast<int>(size);
  std::vector<double> ours;
  std::vector<double> theirs;
  std::vector<double> ratios;
  for (int i = 0; i < 100; ++i) {
    const double ns = TimeNs([&] { matmul(a.get(), b.get(), c.get(), size, size, size); });
    const double blas_ns = TimeNs(
        [&] { sgemm(101, 111, 111, n, n, n, 1.0F, a.get(), n, b.get(), n, 0.0F, c.get(), n); });
    if (i < 5) continue;
    ours.push_back(ns);
    theirs.push_back(blas_ns);
    ratios.push_back(blas_ns / ns);
  }
  const double flops = 2.0 * static_cast<double>(size * size * size);
  fmt::print(
      "{{\"bench\":\"gemm_vs_openblas\",\"size\":{},\"candidate_gflops\":{:.1f},"
      "\"openblas_gflops\":{:.1f},\"ratio\":{:.3f}}}\n",
      size, flops / Median(ours), flops / Median(theirs), Median(ratios));
  return 0;
}

}  // namespace
}  // namespace ks

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: gemm_vs_openblas KERNEL.cc [SIZE]\n");
    return 2;
  }
  return ks::Run(argv[1], argc > 2 ? std::atoll(argv[2]) : 512);
}
