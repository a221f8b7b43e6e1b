// System-call filters as values: rules in, a BPF program out (built with libseccomp).
#ifndef KS_SANDBOX_SECCOMP_FILTER_H_
#define KS_SANDBOX_SECCOMP_FILTER_H_

#include <linux/filter.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace ks {

enum class FilterAction {
  kAllow,
  kFail,  // the call returns an error number
  kTrap,  // SIGSYS with the call's number
};

// Matches when (argument & mask) == value.
struct ArgumentTest {
  unsigned index = 0;
  uint64_t mask = ~uint64_t{0};
  uint64_t value = 0;
};

struct FilterRule {
  std::vector<const char*> calls;  // names; those this libseccomp does not know are skipped
  FilterAction action = FilterAction::kAllow;
  int error_number = 0;             // for kFail
  std::vector<ArgumentTest> tests;  // all must match; empty: any arguments
};

// Value. The rules must differ in action from the default one.
struct FilterSpec {
  FilterAction default_action = FilterAction::kAllow;
  std::vector<FilterRule> rules;
};

using FilterProgram = std::vector<sock_filter>;

// x86-64 only: calls of other ABIs (32-bit, x32) kill the process. ERRORS: kInternal.
Result<FilterProgram> BuildFilter(const FilterSpec& spec);

// "openat (257)"
std::string SyscallName(int number);

// What the launcher installs before exec; the process may add narrower filters itself.
enum class SeccompProfile {
  kCompile,  // no new namespaces, mounts, sockets, tracing, kernel interfaces; processes allowed
  kRunner,   // as kCompile, and no new processes (threads only)
  kDevice,   // as kCompile, but sockets of the machine itself: a GPU's driver makes one
};
FilterSpec ProfileSpec(SeccompProfile profile);

}  // namespace ks

#endif  // KS_SANDBOX_SECCOMP_FILTER_H_
