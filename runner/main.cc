// ksmith-runner: loads one compiled candidate and calls it on command, inside a sandbox.
//
// It knows nothing about tasks or verdicts. After the candidate is loaded, nothing here can be
// trusted any more; the engine bounds every number by clocks of its own.
#include <dlfcn.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "backend/cpu/protocol.h"
#include "fault_handler.h"

namespace ks {
namespace {

// What get_nprocs() below answers. Written once, before any candidate code.
int g_threads = 1;

using KernelCall = void (*)(void* const* buffers, const int64_t* axes);

int64_t NowNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000L + now.tv_nsec;
}

class Runner {
 public:
  // False: there is no control memory to complain in.
  bool MapControl() {
    struct stat info = {};
    if (fstat(kControlFd, &info) != 0 || info.st_size < static_cast<off_t>(sizeof(ControlHeader))) {
      return false;
    }
    void* const memory = mmap(nullptr, static_cast<size_t>(info.st_size), PROT_READ | PROT_WRITE,
                              MAP_SHARED, kControlFd, 0);
    if (memory == MAP_FAILED) return false;
    base_ = static_cast<char*>(memory);
    header_ = reinterpret_cast<const ControlHeader*>(base_);
    channel_ = reinterpret_cast<RunnerChannel*>(base_ + header_->channel_offset);
    return header_->version == kRunnerProtocolVersion;
  }

  int Run() {
    if (!MapArena()) return Refuse("mapping the buffers");
    close(kControlFd);
    close(kInputsFd);
    close(kOutputsFd);
    if (!InstallFaultHandlers(channel_)) return Refuse("installing signal handlers");
    g_threads = static_cast<int>(header_->max_threads);
    // The allocator asks for random bytes the first time.
    free(malloc(1));  // NOLINT(cppcoreguidelines-owning-memory)
    LoadLibraries();
    if (!InstallFilter(header_->load_filter)) return Refuse("installing the first filter");
    channel_->state = RunnerState::kLoading;
    const KernelCall call = LoadKernel();
    if (call == nullptr) return 1;
    if (!InstallFilter(header_->call_filter)) return Refuse("installing the second filter");
    channel_->state = RunnerState::kReady;
    Serve(call);
  }

 private:
  template <typename T>
  const T* Table(const ControlTable& table) const {
    return reinterpret_cast<const T*>(base_ + table.offset);
  }

  int Refuse(const char* message) {
    strncpy(channel_->message, message, sizeof channel_->message - 1);
    channel_->state = RunnerState::kSetUpFailed;
    SetAndWake(&channel_->answer, 1);
    return 1;
  }

  bool MapArena() const {
    void* const reserve = reinterpret_cast<void*>(header_->reserve_address);
    if (mmap(reserve, header_->reserve_bytes, PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0) != reserve) {
      return false;
    }
    const RunnerMapping* const mappings = Table<RunnerMapping>(header_->mappings);
    for (uint64_t i = 0; i < header_->mappings.count; ++i) {
      const RunnerMapping& mapping = mappings[i];
      void* const address = reinterpret_cast<void*>(mapping.address);
      const bool writable = mapping.writable != 0;
      if (mmap(address, mapping.bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ,
               MAP_SHARED | MAP_FIXED, writable ? kOutputsFd : kInputsFd,
               static_cast<off_t>(mapping.file_offset)) != address) {
        return false;
      }
    }
    return true;
  }

  // Their initialisers may use system calls that the candidate's may not. A missing one is reported
  // when the candidate is loaded.
  void LoadLibraries() const {
    const char* const names = Table<char>(header_->libraries);
    for (uint64_t i = 0; i < header_->libraries.count; ++i) {
      dlopen(names + i * kLibraryNameBytes, RTLD_NOW | RTLD_GLOBAL);
    }
  }

  bool InstallFilter(const ControlTable& table) const {
    sock_fprog program = {};
    program.len = static_cast<unsigned short>(table.count);
    program.filter = const_cast<sock_filter*>(Table<sock_filter>(table));
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                   SECCOMP_FILTER_FLAG_SPEC_ALLOW | SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
  }

  KernelCall LoadKernel() {
    void* const library = dlopen(kKernelPath, RTLD_NOW | RTLD_LOCAL);
    void* const symbol = library == nullptr ? nullptr : dlsym(library, "ks_call");
    if (symbol == nullptr) {
      const char* const reason = dlerror();
      strncpy(channel_->message, reason == nullptr ? "no ks_call" : reason,
              sizeof channel_->message - 1);
      channel_->state = RunnerState::kLoadFailed;
      SetAndWake(&channel_->answer, 1);
    }
    return reinterpret_cast<KernelCall>(symbol);
  }

  // Until killed.
  [[noreturn]] void Serve(KernelCall call) {
    const uint64_t* const buffers = Table<uint64_t>(header_->buffers);
    const int64_t* const axes = Table<int64_t>(header_->axes);
    uint32_t done = 1;
    SetAndWake(&channel_->answer, done);
    for (;;) {
      const uint32_t command = __atomic_load_n(&channel_->command, __ATOMIC_SEQ_CST);
      if (command == done) {
        syscall(SYS_futex, &channel_->command, FUTEX_WAIT, command, nullptr, nullptr, 0);
        continue;
      }
      const uint64_t workload = channel_->workload;
      auto* const pointers =
          reinterpret_cast<void* const*>(buffers + workload * header_->buffers_per_workload);
      const int64_t* const extents = axes + workload * header_->axes_per_workload;
      __builtin_ia32_mfence();
      const int64_t start = NowNs();
      call(pointers, extents);
      __builtin_ia32_mfence();  // streamed stores count too
      channel_->inside_ns = static_cast<uint64_t>(NowNs() - start);
      done = command;
      SetAndWake(&channel_->answer, done);
    }
  }

  char* base_ = nullptr;
  const ControlHeader* header_ = nullptr;
  RunnerChannel* channel_ = nullptr;
};

}  // namespace
}  // namespace ks

// libc would read sysfs, which is not there. std::thread::hardware_concurrency() asks this.
extern "C" int get_nprocs() { return ks::g_threads; }

int main() {
  ks::Runner runner;
  return runner.MapControl() ? runner.Run() : 2;
}
