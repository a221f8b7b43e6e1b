// Shapes of the expressions of a Triton kernel, and their text when some values get one more
// dimension in front.
#ifndef KS_PROPOSE_DEVICE_TRITON_VALUE_H_
#define KS_PROPOSE_DEVICE_TRITON_VALUE_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "propose/device/triton_text.h"

namespace ks {

// An expression as it is printed. Value.
struct TritonValue {
  std::string text;
  std::vector<std::string> dims;  // extents without the batch's; "1" where it only broadcasts
  bool batched = false;           // has the batch's dimension in front
  bool known = true;              // false: `dims` are not known
};

// `value` so that it broadcasts against batched values of `rank` more dimensions.
std::string AlignedText(const TritonValue& value, size_t rank);

// Reads expressions of a kernel whose GridUseOf is known. Single thread.
class TritonShapes {
 public:
  // `batched`: names of variables that depend on the place. tl.program_id(axis) is spelled `place`.
  // Products have that input_precision.
  TritonShapes(int axis, std::string place, std::string precision)
      : axis_(axis), place_(std::move(place)), precision_(std::move(precision)) {}

  void Set(const std::string& name, TritonValue value) { values_[name] = std::move(value); }
  // Inside a loop that some places have left: `condition`, one value a place, says which are in
  // it. The others load nothing. Empty: all are in it.
  void SetInside(std::string condition) { inside_ = std::move(condition); }
  // Null: not assigned so far.
  const TritonValue* Find(const std::string& name) const;
  // Empty: it has no batched form.
  std::optional<TritonValue> Of(Node node);
  // The batched store; empty as well when neither address nor value depend on the place in a way
  // that the other does not allow. `changed` is false where the text stays.
  std::optional<TritonValue> Store(Node call);

  size_t shared_loads() const { return shared_loads_; }
  size_t own_loads() const { return own_loads_; }
  size_t dots() const { return dots_; }
  const std::set<std::string>& dot_axes() const { return dot_axes_; }

 private:
  std::optional<TritonValue> Call(Node node);
  std::optional<TritonValue> Load(Node node);
  std::string InsideText(size_t rank) const;
  std::optional<TritonValue> Reduction(Node node, const std::string& function);
  std::optional<TritonValue> DotOf(Node product, int64_t axis);
  std::optional<TritonValue> Elementwise(Node node);
  std::optional<TritonValue> Binary(Node node);
  std::optional<TritonValue> Subscript(Node node);
  std::optional<TritonValue> Method(Node node);
  std::optional<TritonValue> Opaque(Node node);
  std::optional<TritonValue> Block(Node node);

  const int axis_;
  const std::string place_, precision_;
  std::string inside_;
  std::map<std::string, TritonValue> values_;
  size_t shared_loads_ = 0, own_loads_ = 0, dots_ = 0;
  std::set<std::string> dot_axes_;
};

}  // namespace ks

#endif  // KS_PROPOSE_DEVICE_TRITON_VALUE_H_
