#include "task/gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "base/rng.h"
#include "core/compare.h"
#include "task/impostors.h"

namespace ks {
namespace {

constexpr int kVariants = 5;

std::string Describe(const Mismatch& mismatch) {
  if (mismatch.first_index < 0) return fmt::format("norm error {:.3g}", mismatch.norm_error);
  return fmt::format("element {} is {:.9g}, want {:.9g} (allowed error {:.3g}); {} of {} differ",
                     mismatch.first_index, mismatch.got, mismatch.want, mismatch.allowed,
                     mismatch.mismatches, mismatch.elements);
}

// One run of the gate. Single use.
class Gate {
 public:
  Gate(const Task& task, GateRunner& runner, uint64_t seed)
      : task_(task), runner_(runner), seed_(seed) {
    for (const char* name :
         {"declared_precision", "deterministic", "degenerate", "seed_kernel", "zeros", "ones",
          "first_input", "permuted", "other_seed", "lower_precision"}) {
      report_.checks.push_back({name, true, ""});
    }
  }

  Result<GateReport> Run() {
    for (const Workload& workload : task_.workloads) KS_RETURN_IF_ERROR(Examine(workload));
    for (const auto& [key, caught] : caught_) {
      if (caught) continue;
      Fail(key.first, fmt::format("passes as output '{}' on every check workload", key.second));
    }
    return std::move(report_);
  }

 private:
  uint64_t SeedFor(const Workload& workload, uint64_t index) const {
    return DeriveSeed(seed_, workload.name, index);
  }

  Status Examine(const Workload& workload) {
    KS_ASSIGN_OR_RETURN(const auto inputs, FillInputs(task_, workload, SeedFor(workload, 0), 0));
    KS_ASSIGN_OR_RETURN(const auto want, Oracle(workload, inputs));
    KS_ASSIGN_OR_RETURN(const auto other_inputs,
                        FillInputs(task_, workload, SeedFor(workload, 1), 0));
    KS_ASSIGN_OR_RETURN(const auto other, Oracle(workload, other_inputs));
    for (size_t i = 0; i < task_.outputs.size(); ++i) {
      ExamineOutput(workload, i, inputs, want[i], other[i]);
    }
    KS_RETURN_IF_ERROR(ExamineSeed(workload, inputs, want, 0));
    if (workload.role != WorkloadRole::kCheck) return {};
    KS_ASSIGN_OR_RETURN(const auto again, Oracle(workload, inputs));
    if (again != want)
      Fail("deterministic", "the reference differs between two calls on " + workload.name);
    for (int variant = 1; variant < kVariants; ++variant) {
      const uint64_t seed = SeedFor(workload, 1 + static_cast<uint64_t>(variant));
      KS_ASSIGN_OR_RETURN(const auto mixed, FillInputs(task_, workload, seed, variant));
      KS_ASSIGN_OR_RETURN(const auto mixed_want, Oracle(workload, mixed));
      KS_RETURN_IF_ERROR(ExamineSeed(workload, mixed, mixed_want, variant));
    }
    return {};
  }

  Result<std::vector<Bytes>> Oracle(const Workload& workload, const std::vector<Bytes>& inputs) {
    auto outputs = runner_.Reference(workload, inputs);
    if (!outputs) return outputs.error().Under(fmt::format("reference on {}", workload.name));
    KS_CHECK(outputs->size() == task_.outputs.size());
    return outputs;
  }

  Status ExamineSeed(const Workload& workload, const std::vector<Bytes>& inputs,
                     const std::vector<Bytes>& want, int variant) {
    KS_ASSIGN_OR_RETURN(const auto result, runner_.Seed(workload, inputs));
    const std::string where = fmt::format("on {}, input variant {}", workload.name, variant);
    if (const auto* outcome = std::get_if<Outcome>(&result)) {
      Fail("seed_kernel", fmt::format("{}: {}", where, OutcomeSummary(*outcome)));
      return {};
    }
    const auto& got = std::get<std::vector<Bytes>>(result);
    for (size_t i = 0; i < task_.outputs.size(); ++i) {
      const auto mismatch = Compare(i, got[i], want[i]);
      if (!mismatch) continue;
      Fail("seed_kernel",
           fmt::format("{}, output '{}': {}", where, task_.outputs[i].name, Describe(*mismatch)));
    }
    return {};
  }

  void ExamineOutput(const Workload& workload, size_t index, const std::vector<Bytes>& inputs,
                     const Bytes& want, const Bytes& other) {
    const BufferSpec& output = task_.outputs[index];
    const std::vector<double> values = AsDoubles(OracleType(output.dtype), want);
    const size_t count = values.size();
    const int bits = SignificantBits(task_.precision);
    const int stored_bits = std::min(bits, SignificantBitsOf(output.dtype));

    if (const auto mismatch = Compare(index, Rounded(output.dtype, values, bits), want)) {
      Fail("declared_precision", fmt::format("the reference rounded to {} fails on {}: {}",
                                             task_.precision, workload.name, Describe(*mismatch)));
    }
    if (workload.role == WorkloadRole::kTime) ExamineSpread(workload, output, values);

    Impostor("zeros", workload, index, std::vector<double>(count, 0.0), want);
    Impostor("ones", workload, index, std::vector<double>(count, 1.0), want);
    Impostor("first_input", workload, index, Repeated(inputs, count), want);
    Impostor("other_seed", workload, index, AsDoubles(OracleType(output.dtype), other), want);
    if (count > 1) {
      std::vector<double> permuted = values;
      std::rotate(permuted.begin(), permuted.begin() + 1, permuted.end());
      Impostor("permuted", workload, index, permuted, want);
      std::reverse_copy(values.begin(), values.end(), permuted.begin());
      Impostor("permuted", workload, index, permuted, want);
    }
    if (stored_bits >= 24) {
      const int fewer = stored_bits == 53 ? 24 : SignificantBits("tf32");
      std::vector<double> coarse(count);
      for (size_t i = 0; i < count; ++i) coarse[i] = RoundedTo(values[i], fewer);
      Impostor("lower_precision", workload, index, coarse, want);
    }
  }

  void ExamineSpread(const Workload& workload, const BufferSpec& output,
                     const std::vector<double>& values) {
    const double count = static_cast<double>(values.size());
    if (values.size() < 2)
      return;  // one number: "other_seed" shows whether it depends on the input
    double sum = 0;
    double squares = 0;
    for (const double value : values) sum += value;
    const double mean = sum / count;
    for (const double value : values) squares += (value - mean) * (value - mean);
    const double deviation = std::sqrt(squares / count);
    const double rms = std::sqrt(squares / count + mean * mean);
    const Tolerance& tolerance = task_.tolerance;
    const double needed =
        IsFloat(output.dtype) ? tolerance.absolute + tolerance.relative * tolerance.scale * rms : 0;
    if (deviation > needed) return;  // false for NaN
    Fail("degenerate", fmt::format("output '{}' on {} is constant: standard deviation {:.3g}, "
                                   "tolerance {:.3g}",
                                   output.name, workload.name, deviation, needed));
  }

  // Records whether the check catches `fake` in place of output `index`.
  void Impostor(const char* check, const Workload& workload, size_t index,
                const std::vector<double>& fake, const Bytes& want) {
    const BufferSpec& output = task_.outputs[index];
    const bool caught = Compare(index, FromDoubles(output.dtype, fake), want).has_value();
    if (workload.role == WorkloadRole::kCheck) {
      bool& ever = caught_[{check, output.name}];
      ever = ever || caught;
    } else if (!caught) {
      Fail(check, fmt::format("passes as output '{}' on {}", output.name, workload.name));
    }
  }

  static Bytes Rounded(DType dtype, std::vector<double> values, int bits) {
    if (IsFloat(dtype)) {
      for (double& value : values) value = RoundedTo(value, bits);
    }
    return FromDoubles(dtype, values);
  }

  // The first input as an output of `count` elements, repeated as often as needed.
  std::vector<double> Repeated(const std::vector<Bytes>& inputs, size_t count) const {
    const std::vector<double> input = AsDoubles(task_.inputs[0].dtype, inputs[0]);
    std::vector<double> fake(count);
    for (size_t i = 0; i < count; ++i) fake[i] = input[i % input.size()];
    return fake;
  }

  std::optional<Mismatch> Compare(size_t index, const Bytes& got, const Bytes& want) const {
    return CompareOutput(task_.outputs[index].dtype, got, want, task_.tolerance);
  }

  // Keeps the first reason of each check.
  void Fail(const std::string& name, const std::string& reason) {
    const auto check = std::find_if(report_.checks.begin(), report_.checks.end(),
                                    [&](const GateCheck& each) { return each.name == name; });
    KS_CHECK(check != report_.checks.end());
    if (!check->passed) return;
    check->passed = false;
    check->reason = reason;
  }

  const Task& task_;
  GateRunner& runner_;
  const uint64_t seed_;
  GateReport report_;
  // (check, output) -> caught on some check workload.
  std::map<std::pair<std::string, std::string>, bool> caught_;
};

}  // namespace

bool GateReport::admitted() const {
  return std::all_of(checks.begin(), checks.end(), [](const GateCheck& c) { return c.passed; });
}

std::string GateReport::Refusal() const {
  for (const GateCheck& check : checks) {
    if (!check.passed) return check.name + ": " + check.reason;
  }
  return "";
}

Result<GateReport> RunGate(const Task& task, GateRunner& runner, uint64_t seed) {
  return Gate(task, runner, seed).Run();
}

}  // namespace ks
