// The threads of one block as fibres of the calling thread.
#ifndef KS_TESTS_PROPOSE_DEVICE_RUN_FIBRE_BLOCK_H_
#define KS_TESTS_PROPOSE_DEVICE_RUN_FIBRE_BLOCK_H_

#include <setjmp.h>
#include <ucontext.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/propose/device/run/device_on_cpu.h"

namespace ks {

// Single thread; one at a time, since device code finds its runtime by a plain pointer.
class FibreBlock {
 public:
  FibreBlock();
  KsRuntime* runtime() { return &runtime_; }

  // Runs one block; `thread` is called once in each of its threads. Empty: all threads came to
  // their end. Else: threads wait for threads that do not come.
  std::string Run(const std::function<void()>& thread, KsPoint block, KsPoint block_size,
                  KsPoint grid_size);
  // The same in two pieces, for blocks that wait for one another: Step gives every thread a turn
  // and is called until it returns false.
  void Begin(const std::function<void()>& thread, KsPoint block, KsPoint block_size,
             KsPoint grid_size);
  bool Step();
  // Grows with everything that a thread gets done.
  long progress() const { return progress_; }

 private:
  struct Fibre {
    ucontext_t context;  // to begin with; then `here`, which costs no system call
    jmp_buf here;
    bool begun = false;
    std::unique_ptr<char[]> stack;
    KsPoint place;
    bool done = false;
  };
  struct Group {  // of lanes that wait together, kept at its lowest lane
    unsigned arrived = 0;
    long round = 0;
  };

  static void Enter();
  void Yield();
  void Resume(Fibre& fibre);
  void WaitForBlock();
  void WaitForLanes(unsigned mask);

  KsRuntime runtime_;
  std::vector<std::unique_ptr<Fibre>> fibres_;
  std::vector<Group> groups_;                    // 32 a warp
  std::vector<unsigned long long> lane_values_;  // 32 a warp
  jmp_buf scheduler_;
  size_t count_ = 0, current_ = 0, alive_ = 0, arrived_ = 0;
  long block_round_ = 0, progress_ = 0;
  const std::function<void()>* thread_ = nullptr;
};

}  // namespace ks

#endif  // KS_TESTS_PROPOSE_DEVICE_RUN_FIBRE_BLOCK_H_
