#include "tests/propose/device/run/fibre_block.h"

#include <algorithm>
#include <bit>

namespace ks {
namespace {

constexpr size_t kStackBytes = 256u << 10;

FibreBlock* g_block = nullptr;  // the one that runs: fibres and device code know no other way

}  // namespace

FibreBlock::FibreBlock() {
  runtime_.wait_for_block = [] { g_block->WaitForBlock(); };
  runtime_.wait_for_lanes = [](unsigned mask) { g_block->WaitForLanes(mask); };
  runtime_.let_others_run = [] { g_block->Yield(); };
  runtime_.lanes = [] { return &g_block->lane_values_[g_block->current_ / 32 * 32]; };
}

void FibreBlock::Enter() {
  FibreBlock& block = *g_block;
  (*block.thread_)();
  block.fibres_[block.current_]->done = true;
  --block.alive_;
  ++block.progress_;
  block.Yield();
}

void FibreBlock::Yield() {
  if (_setjmp(fibres_[current_]->here) == 0) _longjmp(scheduler_, 1);
}

void FibreBlock::Resume(Fibre& fibre) {
  if (_setjmp(scheduler_) != 0) return;
  if (fibre.begun) _longjmp(fibre.here, 1);
  fibre.begun = true;
  setcontext(&fibre.context);
}

// Threads that have ended do not count, as on a device.
void FibreBlock::WaitForBlock() {
  const long round = block_round_;
  ++arrived_;
  while (block_round_ == round) {
    if (arrived_ >= alive_) {
      arrived_ = 0;
      ++block_round_;
      ++progress_;
      return;
    }
    Yield();
  }
}

void FibreBlock::WaitForLanes(unsigned mask) {
  const size_t warp = current_ / 32 * 32;
  const size_t lanes = std::min<size_t>(32, count_ - warp);
  if (lanes < 32) mask &= (1u << lanes) - 1;
  Group& group = groups_[warp + static_cast<size_t>(std::countr_zero(mask))];
  const long round = group.round;
  if (++group.arrived == static_cast<unsigned>(std::popcount(mask))) {
    group.arrived = 0;
    ++group.round;
    ++progress_;
    return;
  }
  while (group.round == round) Yield();
}

void FibreBlock::Begin(const std::function<void()>& thread, KsPoint block, KsPoint block_size,
                       KsPoint grid_size) {
  thread_ = &thread;
  runtime_.block = block;
  runtime_.block_size = block_size;
  runtime_.grid_size = grid_size;
  count_ = alive_ = size_t{block_size.x} * block_size.y * block_size.z;
  arrived_ = 0;
  groups_.assign((count_ + 31) / 32 * 32, {});
  lane_values_.assign((count_ + 31) / 32 * 32, 0);
  while (fibres_.size() < count_) {
    fibres_.push_back(std::make_unique<Fibre>());
    fibres_.back()->stack.reset(new char[kStackBytes]);  // uninitialised: not touched before use
  }
  for (size_t i = 0; i < count_; ++i) {
    Fibre& fibre = *fibres_[i];
    const auto at = static_cast<unsigned>(i);
    fibre.place = {at % block_size.x, at / block_size.x % block_size.y,
                   at / block_size.x / block_size.y};
    fibre.done = fibre.begun = false;
    getcontext(&fibre.context);
    fibre.context.uc_stack.ss_sp = fibre.stack.get();
    fibre.context.uc_stack.ss_size = kStackBytes;
    fibre.context.uc_link = nullptr;
    makecontext(&fibre.context, &FibreBlock::Enter, 0);
  }
}

bool FibreBlock::Step() {
  g_block = this;
  for (current_ = 0; current_ < count_; ++current_) {
    if (fibres_[current_]->done) continue;
    runtime_.thread = fibres_[current_]->place;
    Resume(*fibres_[current_]);
  }
  return alive_ > 0;
}

std::string FibreBlock::Run(const std::function<void()>& thread, KsPoint block, KsPoint block_size,
                            KsPoint grid_size) {
  Begin(thread, block, block_size, grid_size);
  for (long before = progress_; Step(); before = progress_) {
    if (progress_ == before) return "threads wait for others that do not come";
  }
  return "";
}

}  // namespace ks
