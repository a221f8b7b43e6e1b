#include "evaluate/content_bank.h"

#include <utility>

#include "base/rng.h"

namespace ks {
namespace {

size_t BytesOf(const CheckContent& content) {
  size_t bytes = 0;
  for (const Bytes& buffer : content.inputs) bytes += buffer.size();
  for (const Bytes& buffer : content.want) bytes += buffer.size();
  return bytes;
}

}  // namespace

Result<std::shared_ptr<const CheckContent>> ContentBank::Draw(size_t workload, int trial,
                                                              uint64_t draw, std::stop_token stop) {
  const Key key{workload, trial, draw % kContentsPerTrial};
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = contents_.find(key); found != contents_.end()) return found->second;
  }
  // Two threads may make the same content at once: the first one stays.
  const uint64_t number =
      (static_cast<uint64_t>(workload) * 1000 + static_cast<uint64_t>(trial)) * kContentsPerTrial +
      draw % kContentsPerTrial;
  CheckContent content;
  const Workload& of = task_.workloads.at(workload);
  KS_ASSIGN_OR_RETURN(content.inputs,
                      FillInputs(task_, of, DeriveSeed(secret_seed_, "bank", number), trial));
  KS_ASSIGN_OR_RETURN(content.want, oracle_.Expected(of, Views(content.inputs), std::move(stop)));
  const size_t bytes = BytesOf(content);
  auto made = std::make_shared<const CheckContent>(std::move(content));
  const std::lock_guard lock(mutex_);
  if (kept_bytes_ + bytes > kMostBytes) return made;
  const auto [at, inserted] = contents_.emplace(key, made);
  if (inserted) kept_bytes_ += bytes;
  return at->second;
}

size_t ContentBank::kept_bytes() const {
  const std::lock_guard lock(mutex_);
  return kept_bytes_;
}

}  // namespace ks
