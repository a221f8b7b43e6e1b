// The seeds that the tests rewrite: plain kernels as a person would first write them.
#ifndef KS_TESTS_PROPOSE_SEEDS_H_
#define KS_TESTS_PROPOSE_SEEDS_H_

#include <string>
#include <vector>

#include "core/task.h"

namespace ks {

struct SeedCase {
  Task task;
  std::string source;
};

// A named kernel of tests/propose/seeds.cc; aborts on an unknown name.
SeedCase SeedNamed(const std::string& name);
std::vector<std::string> SeedNames();

}  // namespace ks

#endif  // KS_TESTS_PROPOSE_SEEDS_H_
