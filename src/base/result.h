// Result<T> and Status: the outcome of an operation of ours that can fail.
//
// A candidate's failure is never one of these (see core/outcome.h); a bug is KS_CHECK.
#ifndef KS_BASE_RESULT_H_
#define KS_BASE_RESULT_H_

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/check.h"

namespace ks {

// What the caller can do about it.
enum class ErrorCode {
  kInvalidArgument,     // the user gave something wrong: say it and exit 2
  kNotFound,            // the named thing does not exist
  kFailedPrecondition,  // the machine or the state does not allow it: mend, then retry
  kUnavailable,         // transient: retry later
  kResourceExhausted,   // disk full, out of memory, out of processes: free some, then resume
  kDataLoss,            // a stored thing is unreadable
  kCancelled,           // the caller asked to stop
  kInternal,            // none of the above
};

const char* ErrorCodeName(ErrorCode code);

// The first cause, with later context prefixed. Immutable value.
struct [[nodiscard]] Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;

  // This error with "context: " in front of its message.
  Error Under(std::string_view context) const {
    return {code, std::string(context) + ": " + message};
  }
};

// Either a value or an Error. Value(), operator* and operator-> REQUIRE ok().
template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  const Error& error() const {
    KS_CHECK(!ok());
    return *std::get_if<1>(&state_);
  }
  T& operator*() & { return Get(); }
  const T& operator*() const& { return const_cast<Result*>(this)->Get(); }
  T&& operator*() && { return std::move(Get()); }
  T* operator->() { return &Get(); }
  const T* operator->() const { return &const_cast<Result*>(this)->Get(); }
  T value_or(T other) const& { return ok() ? **this : std::move(other); }

 private:
  T& Get() {
    KS_CHECK(ok());
    return *std::get_if<0>(&state_);
  }
  std::variant<T, Error> state_;
};

// Success, or an Error.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error) : error_(std::move(error)) {}  // NOLINT: implicit
  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const {
    KS_CHECK(!ok());
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace ks

#define KS_CONCAT_INNER_(a, b) a##b
#define KS_CONCAT_(a, b) KS_CONCAT_INNER_(a, b)

// Returns the error of `expr` (a Status or Result) from the enclosing function.
#define KS_RETURN_IF_ERROR(expr)                                                 \
  do {                                                                           \
    if (auto&& ks_status_ = (expr); !ks_status_.ok()) return ks_status_.error(); \
  } while (false)

// `KS_ASSIGN_OR_RETURN(auto x, F());`
#define KS_ASSIGN_OR_RETURN(decl, expr) \
  KS_ASSIGN_OR_RETURN_IMPL_(KS_CONCAT_(ks_result_, __LINE__), decl, expr)
#define KS_ASSIGN_OR_RETURN_IMPL_(result, decl, expr) \
  auto result = (expr);                               \
  if (!result.ok()) return result.error();            \
  decl = *std::move(result)

#endif  // KS_BASE_RESULT_H_
