// Port: texts to vectors whose cosine says how much the texts resemble each other.
#ifndef KS_CORE_EMBEDDER_H_
#define KS_CORE_EMBEDDER_H_

#include <optional>
#include <string>
#include <vector>

namespace ks {

using Embedding = std::vector<float>;

// Single thread.
class Embedder {
 public:
  virtual ~Embedder() = default;
  // Empty: it could not be had. Never a reason to stop.
  virtual std::optional<Embedding> Embed(const std::string& text) = 0;
};

}  // namespace ks

#endif  // KS_CORE_EMBEDDER_H_
