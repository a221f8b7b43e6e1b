// An evaluator that asks an evaluation service: evolve and evaluate with --evaluator URL.
#ifndef KS_SERVICE_REMOTE_EVALUATOR_H_
#define KS_SERVICE_REMOTE_EVALUATOR_H_

#include <memory>
#include <stop_token>
#include <string>

#include "core/config.h"
#include "core/evaluator.h"
#include "net/http_client.h"
#include "service/wire.h"

namespace ks {

struct RemoteOptions {
  std::string url;    // "http://host:port"
  std::string token;  // empty: none
  std::string backend = "cpu";
  std::string ca_file;         // https: certificates to trust beside the system's
  double poll_s = 25;          // one long poll
  double give_up_s = 120;      // so long the service may be out of reach while it is asked
  double first_pause_s = 0.1;  // between tries; doubles up to 2 s
};

// Thread-safe. The task outlives it and travels with the first request. Requests are idempotent:
// after a lost connection or a restart of the service they are simply sent again.
class RemoteEvaluator final : public Evaluator {
 public:
  // Looks at the service. ERRORS: kInvalidArgument (the address, a wrong token, a backend that is
  // not served), kUnavailable (out of reach), kFailedPrecondition (another version of the API).
  static Result<std::unique_ptr<RemoteEvaluator>> Connect(const Task& task,
                                                          const EvaluationConfig& config,
                                                          const RemoteOptions& options,
                                                          std::stop_token stop);

  // ERRORS: those of the evaluator behind the service; kUnavailable (out of reach for too long),
  // kInvalidArgument (refused), kCancelled after `stop` (the service is told).
  Result<Evaluation> Evaluate(const EvaluationRequest& request, std::stop_token stop) override;
  // With the workloads of the class of the device behind the service.
  const Task& task() const override { return visible_; }
  const Machine& machine() const override { return machine_; }

 private:
  class Patience;

  RemoteEvaluator(const Task& task, const EvaluationConfig& config, RemoteOptions options,
                  std::unique_ptr<HttpClient> client);
  Status Look(std::stop_token stop);
  // One call that is repeated while the service is out of reach or busy.
  Result<HttpResponse> Call(const HttpCall& call, Patience& patience, std::stop_token stop);
  Result<HttpResponse> Send(HttpCall call, std::stop_token stop);
  Result<EvaluationStatus> Post(const Submission& submission, Patience& patience,
                                std::stop_token stop);
  Result<Evaluation> Ask(const Submission& submission, std::stop_token stop);
  void CancelQuietly(const std::string& id);
  Error Refused(const HttpResponse& response) const;

  const Task& task_;
  const EvaluationConfig config_;
  const RemoteOptions options_;
  const std::unique_ptr<HttpClient> client_;
  Machine machine_;
  Task visible_;
};

}  // namespace ks

#endif  // KS_SERVICE_REMOTE_EVALUATOR_H_
