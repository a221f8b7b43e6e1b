#include "cli/doctor_checks.h"

#include <gtest/gtest.h>

#include <cmath>

namespace ks {
namespace {

using State = DoctorCheck::State;

Machine With(std::vector<std::string> compilers) {
  Machine machine;
  machine.compilers = std::move(compilers);
  return machine;
}

TEST(DoctorChecks, WithoutACompilerTheBackendCannotWork) {
  const DoctorCheck check = CheckCompilers(With({}));
  EXPECT_EQ(check.state, State::kBroken);
  EXPECT_NE(check.mend.find("install"), std::string::npos);
}

TEST(DoctorChecks, OneCompilerIsWeakAndNamesTheOther) {
  EXPECT_NE(CheckCompilers(With({"g++ 12.2.0"})).mend.find("clang"), std::string::npos);
  EXPECT_NE(CheckCompilers(With({"clang++ 14.0.6"})).mend.find("g++"), std::string::npos);
  EXPECT_EQ(CheckCompilers(With({"g++ 12.2.0"})).state, State::kWeak);
  EXPECT_EQ(CheckCompilers(With({"g++ 12.2.0", "clang++ 14.0.6"})).state, State::kFine);
}

TEST(DoctorChecks, SayWhetherTorchIsThereAndNewEnough) {
  PythonEnvironment python;
  python.executable = "/opt/python3";
  EXPECT_EQ(CheckTorch(python).state, State::kWeak);
  EXPECT_NE(CheckTorch(python).mend.find("install torch 2.6"), std::string::npos);
  python.torch_version = "2.5.1+cpu";
  EXPECT_NE(CheckTorch(python).mend.find("too old"), std::string::npos);
  python.torch_version = "2.13.0+cpu";
  EXPECT_EQ(CheckTorch(python).state, State::kFine);
  EXPECT_NE(CheckTorch(python).found.find("2.13.0"), std::string::npos);
  EXPECT_FALSE(CheckTorch(Error{ErrorCode::kFailedPrecondition, "no Python"}).mend.empty());
}

TEST(DoctorChecks, NarrowVectorsAreWeak) {
  Machine machine;
  machine.vector_bits = 128;
  EXPECT_EQ(CheckCpu(machine).state, State::kWeak);
  machine.vector_bits = 512;
  EXPECT_EQ(CheckCpu(machine).state, State::kFine);
}

// Ticks by a fixed step at each reading, slower than the hardware clock.
class CoarseClock final : public Clock {
 public:
  int64_t MonotonicNs() const override { return now_ += 1'000'000; }
  int64_t UnixMs() const override { return 0; }

 private:
  mutable int64_t now_ = 0;
};

TEST(DoctorChecks, AClockThatDoesNotFollowTheHardwareIsWeak) {
  const DoctorCheck check = CheckClock(CoarseClock());
  EXPECT_EQ(check.state, State::kWeak);
  EXPECT_FALSE(check.mend.empty());
}

TEST(DoctorChecks, EveryCheckThatIsNotFineSaysHowToMend) {
  const SystemClock clock;
  for (const DoctorCheck& check : {CheckClock(clock), CheckNoise(clock), CheckDisk()}) {
    EXPECT_FALSE(check.found.empty()) << check.name;
    EXPECT_EQ(check.mend.empty(), check.state == State::kFine) << check.name;
  }
}

TEST(CheckDevices, ListsThemOrSaysHowToGetOne) {
  DeviceListing listing{"opencl", {"opencl"}, {}, "no platform"};
  const DoctorCheck missing = CheckDevices(listing);
  EXPECT_EQ(missing.state, DoctorCheck::State::kWeak) << "other backends go on without";
  EXPECT_EQ(missing.found, "no platform");
  EXPECT_NE(missing.mend.find("pocl-opencl-icd"), std::string::npos);
  DeviceInfo device;
  device.name = "A device";
  listing.devices = {device};
  EXPECT_EQ(CheckDevices(listing).state, DoctorCheck::State::kFine);
  EXPECT_NE(CheckDevices(listing).found.find("A device"), std::string::npos);
}

TEST(CheckTriton, TellsNoPythonFromNoTriton) {
  const DoctorCheck none = CheckTriton(Error{ErrorCode::kFailedPrecondition, "no python3"});
  EXPECT_EQ(none.found, "no python3");
  EXPECT_EQ(none.state, DoctorCheck::State::kWeak);
  PythonEnvironment python;
  python.executable = "/usr/bin/python3";
  python.python_version = "3.11";
  EXPECT_NE(CheckTriton(python).found.find("without Triton"), std::string::npos);
  python.triton_version = "3.6.0";
  EXPECT_EQ(CheckTriton(python).state, DoctorCheck::State::kFine);
}

TEST(CheckCudaCompiler, PrefersNvrtc) {
  CudaToolkit toolkit;
  EXPECT_EQ(CheckCudaCompiler(toolkit).state, DoctorCheck::State::kWeak);
  toolkit.nvcc = "/usr/bin/nvcc";
  EXPECT_EQ(CheckCudaCompiler(toolkit).found, "/usr/bin/nvcc");
  toolkit.nvrtc = "/usr/lib/libnvrtc.so";
  EXPECT_EQ(CheckCudaCompiler(toolkit).state, DoctorCheck::State::kFine);
}

}  // namespace
}  // namespace ks
