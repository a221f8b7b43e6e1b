// What `ksmith bench` shows while it works: a line a finished task, and on a terminal one that says
// how far each search is.
#ifndef KS_CLI_BENCH_PROGRESS_H_
#define KS_CLI_BENCH_PROGRESS_H_

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/observer.h"
#include "report/bench.h"
#include "report/progress.h"
#include "report/style.h"

namespace ks {

struct BenchProgressOptions {
  TextSink sink;
  bool terminal = false;         // the last line can be drawn again
  std::function<int()> columns;  // asked before each drawing
  Style style;
  size_t planned = 0;            // tasks
  std::vector<int> lanes = {0};  // the device of each search at a time
  bool named_devices = true;     // false: their numbers say nothing to people (those of a service)
  int64_t rounds = 0;            // of one search
};

// Thread-safe: one thread a lane.
class BenchProgress {
 public:
  explicit BenchProgress(BenchProgressOptions options) : options_(std::move(options)) {}

  // Follows the search of a task on a lane; it refers to this. Used by that lane's thread only.
  std::unique_ptr<Observer> Watch(size_t lane, const std::string& task);
  // The final answer of the lane's task is being judged.
  void Judging(size_t lane, const std::string& task);
  // `took_s`: of this process's time; what was done before took next to none.
  void Done(size_t lane, const BenchedTask& task, double took_s);
  // Nothing is drawn any more on the last line.
  void Close();

 private:
  friend class BenchWatch;
  void Say(size_t lane, std::string text);
  bool NamesDevices() const { return options_.named_devices && options_.lanes.size() > 1; }
  void Erase();
  void Draw();

  const BenchProgressOptions options_;
  std::mutex mutex_;
  std::map<size_t, std::string> at_;  // all below guarded by mutex_: where each lane is
  bool drawn_ = false;
  size_t done_ = 0;
  size_t worked_ = 0;    // tasks that took time here
  double worked_s_ = 0;  // and how much
};

}  // namespace ks

#endif  // KS_CLI_BENCH_PROGRESS_H_
