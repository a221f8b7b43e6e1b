#include "core/fill_kinds.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <type_traits>

#include "base/rng.h"
#include "base/text.h"

namespace ks {
namespace {

constexpr size_t kBlock = 1024;  // words drawn at a time
constexpr int kZipfTableBits = 14;

struct Parameter {
  const char* name;
  const char* fallback;  // null: must be given
};
struct KindInfo {
  FillKind kind;
  const char* name;
  bool for_floats;
  bool for_integers;
  std::array<Parameter, 2> numbers;  // name null: none
};
constexpr std::array<KindInfo, 10> kKinds = {{
    {FillKind::kNormal, "normal", true, false, {{{"mean", "0"}, {"std", "1"}}}},
    {FillKind::kUniform, "uniform", true, false, {{{"low", "0"}, {"high", "1"}}}},
    {FillKind::kIntegers, "integers", true, true, {{{"low", nullptr}, {"high", nullptr}}}},
    {FillKind::kZerosOnes,
     "zeros_ones",
     true,
     true,
     {{{"probability", "0.5"}, {nullptr, nullptr}}}},
    {FillKind::kLabels, "labels", false, true, {{{"classes", nullptr}, {nullptr, nullptr}}}},
    {FillKind::kZipf, "zipf", false, true, {{{"classes", nullptr}, {"exponent", "1"}}}},
    {FillKind::kConstant, "constant", true, true, {{{"value", nullptr}, {nullptr, nullptr}}}},
    {FillKind::kPermutation,
     "permutation",
     false,
     true,
     {{{nullptr, nullptr}, {nullptr, nullptr}}}},
    {FillKind::kCsrRowPtr, "csr_row_ptr", false, true, {{{"nnz", nullptr}, {nullptr, nullptr}}}},
    {FillKind::kCsrColIdx, "csr_col_idx", false, true, {{{"cols", nullptr}, {nullptr, nullptr}}}},
}};

Error Bad(const BufferSpec& buffer, std::string_view what) {
  return {ErrorCode::kInvalidArgument, fmt::format("fill of '{}': {}", buffer.name, what)};
}

Result<const KindInfo*> FindKind(const BufferSpec& buffer) {
  for (const KindInfo& info : kKinds) {
    if (buffer.fill.kind != info.name) continue;
    if (IsFloat(buffer.dtype) ? info.for_floats : info.for_integers) return &info;
    return Bad(buffer, fmt::format("kind '{}' does not fit element type {}", info.name,
                                   DTypeName(buffer.dtype)));
  }
  const std::vector<std::string> names = FillKindNames();
  const std::string near = NearestName(buffer.fill.kind, names);
  return Bad(buffer, fmt::format("unknown kind '{}'; {}", buffer.fill.kind,
                                 near.empty() ? "there are " + Join(names, ", ")
                                              : "did you mean '" + near + "'?"));
}

bool TakesBits(FillKind kind) { return kind == FillKind::kNormal || kind == FillKind::kUniform; }

// True when `name` is a parameter of the kind.
bool HasParameter(const KindInfo& info, const std::string& name) {
  if (name == "variants" && info.for_floats) return true;
  if (name == "bits" && TakesBits(info.kind)) return true;
  if (name == "row_ptr" && info.kind == FillKind::kCsrColIdx) return true;
  return std::any_of(info.numbers.begin(), info.numbers.end(), [&](const Parameter& parameter) {
    return parameter.name != nullptr && name == parameter.name;
  });
}

Status CheckParameterNames(const BufferSpec& buffer, const KindInfo& info) {
  for (const auto& [name, value] : buffer.fill.parameters) {
    if (HasParameter(info, name)) continue;
    std::vector<std::string> names;
    for (const Parameter& parameter : info.numbers) {
      if (parameter.name != nullptr) names.emplace_back(parameter.name);
    }
    const std::string near = NearestName(name, names);
    return Bad(buffer, fmt::format("kind '{}' has no parameter '{}'{}", info.name, name,
                                   near.empty() ? "" : "; did you mean '" + near + "'?"));
  }
  return {};
}

Result<double> NumberOf(const BufferSpec& buffer, const KindInfo& info, const Parameter& parameter,
                        const AxisValues& axes) {
  if (parameter.name == nullptr) return 0.0;
  const auto given = buffer.fill.parameters.find(parameter.name);
  if (given == buffer.fill.parameters.end() && parameter.fallback == nullptr) {
    return Bad(buffer, fmt::format("kind '{}' needs '{}'", info.name, parameter.name));
  }
  auto value = EvaluateExpr(
      given == buffer.fill.parameters.end() ? parameter.fallback : given->second, axes);
  if (!value) return value.error().Under(fmt::format("fill of '{}'", buffer.name));
  return *value;
}

double LargestValue(DType dtype) {
  switch (dtype) {
    case DType::kU8:
      return 255;
    case DType::kF16:
      return 2048;
    case DType::kBF16:
      return 256;
    case DType::kI32:
      return std::numeric_limits<int32_t>::max();
    default:
      return 0x1p53;
  }
}

bool IsWhole(double value) { return std::floor(value) == value; }

// Ranges that a draw could not honour.
Status CheckNumbers(const BufferSpec& buffer, const ResolvedFill& fill) {
  const double largest = LargestValue(buffer.dtype);
  const double smallest = buffer.dtype == DType::kU8 ? 0 : -largest;
  const auto is_count = [&](double value) {
    return IsWhole(value) && value >= 1 && value - 1 <= largest && value <= 0x1p31;
  };
  switch (fill.kind) {
    case FillKind::kNormal:
      if (fill.second < 0) return Bad(buffer, "std must not be negative");
      break;
    case FillKind::kUniform:
      if (fill.first > fill.second) return Bad(buffer, "low must not exceed high");
      break;
    case FillKind::kIntegers:
      if (!IsWhole(fill.first) || !IsWhole(fill.second) || fill.first > fill.second ||
          fill.first < smallest || fill.second > largest || fill.second - fill.first > 0x1p31) {
        return Bad(buffer, "low and high must be integers of the element type with low <= high");
      }
      break;
    case FillKind::kZerosOnes:
      if (fill.first < 0 || fill.first > 1) return Bad(buffer, "probability must be from 0 to 1");
      break;
    case FillKind::kZipf:
      if (fill.second <= 0 || fill.second > 8) return Bad(buffer, "exponent must be in (0, 8]");
      if (!is_count(fill.first) || fill.first > 0x1p20) {
        return Bad(buffer, "classes must be an integer from 1 to 2^20 that fits the element type");
      }
      break;
    case FillKind::kLabels:
    case FillKind::kCsrColIdx:
      if (!is_count(fill.first)) {
        return Bad(buffer, "the number of values must be a positive integer that fits the type");
      }
      break;
    case FillKind::kConstant:
      if (!IsFloat(buffer.dtype) &&
          (!IsWhole(fill.first) || fill.first < smallest || fill.first > largest)) {
        return Bad(buffer, "value must be an integer of the element type");
      }
      break;
    case FillKind::kCsrRowPtr:
      if (!IsWhole(fill.first) || fill.first < 0 || fill.first > largest) {
        return Bad(buffer, "nnz must be a non-negative integer that fits the element type");
      }
      break;
    case FillKind::kPermutation:
      break;
  }
  return {};
}

// The values of a Zipf law as a table that a random index looks up. Which value is frequent is
// scattered, so that neighbouring keys are not alike.
std::vector<uint32_t> ZipfTable(const ResolvedFill& fill) {
  const auto classes = static_cast<size_t>(fill.first);
  std::vector<double> weights(classes);
  for (size_t i = 0; i < classes; ++i) {
    weights[i] = std::pow(static_cast<double>(i + 1), -fill.second);
  }
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  std::vector<uint32_t> table(size_t{1} << kZipfTableBits);
  size_t rank = 0;
  double reached = weights[0];
  for (size_t i = 0; i < table.size(); ++i) {
    const double quantile = (static_cast<double>(i) + 0.5) / static_cast<double>(table.size());
    while (rank + 1 < classes && reached < quantile * total) reached += weights[++rank];
    table[i] = static_cast<uint32_t>((rank * 2654435761u) % classes);
  }
  return table;
}

// Runs `body(words, count)` over blocks of fresh words, `per_element` words for each of `total`.
template <typename Body>
void ForBlocks(BitLanes& bits, size_t total, size_t per_element, Body&& body) {
  alignas(32) std::array<uint32_t, 2 * kBlock> words;
  for (size_t done = 0; done < total; done += kBlock) {
    const size_t count = std::min(kBlock, total - done);
    const size_t rounded = (count + BitLanes::kLanes - 1) / BitLanes::kLanes * BitLanes::kLanes;
    for (size_t part = 0; part < per_element; ++part) {
      bits.Fill(std::span(words).subspan(part * kBlock, rounded));
    }
    body(words.data(), done, count);
  }
}

template <typename T>
void DrawNormal(double mean, double deviation, BitLanes& bits, T* out, size_t total) {
  // Sum of four 16-bit uniforms: close to a normal up to 3.4 deviations, and cheap.
  const T scale = static_cast<T>(deviation * std::sqrt(3.0) / 65536.0);
  const T centre = static_cast<T>(mean);
  ForBlocks(bits, total, 2, [&](const uint32_t* words, size_t at, size_t count) {
    T* to = out + at;
    for (size_t i = 0; i < count; ++i) {
      const uint32_t a = words[i];
      const uint32_t b = words[kBlock + i];
      const uint32_t sum = (a & 0xffff) + (a >> 16) + (b & 0xffff) + (b >> 16);
      to[i] = centre + scale * static_cast<T>(static_cast<int32_t>(sum) - 131070);
    }
  });
}

template <typename T>
void DrawUniform(double low, double high, BitLanes& bits, T* out, size_t total) {
  const T start = static_cast<T>(low);
  const T step = static_cast<T>((high - low) * 0x1p-24);
  ForBlocks(bits, total, 1, [&](const uint32_t* words, size_t at, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      out[at + i] = start + step * static_cast<T>(static_cast<int32_t>(words[i] >> 8));
    }
  });
}

template <typename T>
void DrawIntegers(double low, double high, BitLanes& bits, T* out, size_t total) {
  const auto range = static_cast<uint64_t>(high - low) + 1;
  const auto start = static_cast<int64_t>(low);
  ForBlocks(bits, total, 1, [&](const uint32_t* words, size_t at, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      out[at + i] = static_cast<T>(start + static_cast<int64_t>((words[i] * range) >> 32));
    }
  });
}

template <typename T>
void DrawTyped(const ResolvedFill& fill, BitLanes& bits, T* out, size_t total) {
  switch (fill.kind) {
    case FillKind::kNormal:
      if constexpr (std::is_floating_point_v<T>) {
        DrawNormal(fill.first, fill.second, bits, out, total);
      }
      break;
    case FillKind::kUniform:
      if constexpr (std::is_floating_point_v<T>) {
        DrawUniform(fill.first, fill.second, bits, out, total);
      }
      break;
    case FillKind::kIntegers:
      DrawIntegers(fill.first, fill.second, bits, out, total);
      break;
    case FillKind::kLabels:
      DrawIntegers(0, fill.first - 1, bits, out, total);
      break;
    case FillKind::kZerosOnes: {
      const double limit = fill.first * 0x1p32;
      ForBlocks(bits, total, 1, [&](const uint32_t* words, size_t at, size_t count) {
        for (size_t i = 0; i < count; ++i) out[at + i] = words[i] < limit ? T{1} : T{0};
      });
      break;
    }
    case FillKind::kZipf: {
      const std::vector<uint32_t> table = ZipfTable(fill);
      ForBlocks(bits, total, 1, [&](const uint32_t* words, size_t at, size_t count) {
        for (size_t i = 0; i < count; ++i) {
          out[at + i] = static_cast<T>(table[words[i] >> (32 - kZipfTableBits)]);
        }
      });
      break;
    }
    case FillKind::kConstant:
      std::fill_n(out, total, static_cast<T>(fill.first));
      break;
    case FillKind::kPermutation:
    case FillKind::kCsrRowPtr:
    case FillKind::kCsrColIdx:
      KS_CHECK(false);
  }
}

double UnitUniform(BitLanes& bits) { return bits.One() * 0x1p-32; }

template <typename T>
void DrawPermutation(BitLanes& bits, T* out, size_t total) {
  for (size_t i = 0; i < total; ++i) out[i] = static_cast<T>(i);
  for (size_t i = total; i > 1; --i) {
    std::swap(out[i - 1], out[(static_cast<uint64_t>(bits.One()) * i) >> 32]);
  }
}

// Ascending from 0 to nnz with uneven steps; about one row in eight is empty.
template <typename T>
void DrawRowPtr(double nnz, BitLanes& bits, T* out, size_t total) {
  std::vector<double> reached(total, 0.0);
  for (size_t i = 1; i < total; ++i) {
    const double draw = UnitUniform(bits);
    const double weight = draw < 0.125 ? 0.0 : -std::log(1.0 - UnitUniform(bits));
    reached[i] = reached[i - 1] + weight;
  }
  const double sum = total == 0 ? 0 : reached[total - 1];
  for (size_t i = 0; i < total; ++i) {
    out[i] = static_cast<T>(sum > 0 ? std::floor(nnz * (reached[i] / sum)) : 0.0);
  }
  if (total > 1) out[total - 1] = static_cast<T>(nnz);
}

// Ascending within [begin, end): one column from each of end - begin equal strata.
template <typename T>
void DrawColumns(double cols, BitLanes& bits, T* out, size_t begin, size_t end) {
  const double stratum = cols / static_cast<double>(end - begin);
  for (size_t i = begin; i < end; ++i) {
    const double at = (static_cast<double>(i - begin) + UnitUniform(bits)) * stratum;
    out[i] = static_cast<T>(std::min(std::floor(at), cols - 1));
  }
}

}  // namespace

BitLanes::BitLanes(uint64_t seed) {
  Rng rng(seed);
  for (auto& words : state_) {
    for (uint32_t& word : words) word = static_cast<uint32_t>(rng.Next() >> 32);
  }
  for (uint32_t& word : state_[0]) word |= 1;  // the all-zero state is a fixed point
}

void BitLanes::Fill(std::span<uint32_t> out) {
  auto s = state_;
  uint32_t* to = out.data();
  for (size_t i = 0; i < out.size(); i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      to[i + lane] = s[0][lane] + s[3][lane];
      const uint32_t t = s[1][lane] << 9;
      s[2][lane] ^= s[0][lane];
      s[3][lane] ^= s[1][lane];
      s[1][lane] ^= s[2][lane];
      s[0][lane] ^= s[3][lane];
      s[2][lane] ^= t;
      s[3][lane] = (s[3][lane] << 11) | (s[3][lane] >> 21);
    }
  }
  state_ = s;
}

uint32_t BitLanes::One() {
  std::array<uint32_t, kLanes> words;
  Fill(words);
  return words[0];
}

std::vector<std::string> FillKindNames() {
  std::vector<std::string> names;
  for (const KindInfo& info : kKinds) names.emplace_back(info.name);
  return names;
}

Result<ResolvedFill> ResolveFill(const BufferSpec& buffer, const AxisValues& axes) {
  KS_ASSIGN_OR_RETURN(const KindInfo* info, FindKind(buffer));
  KS_RETURN_IF_ERROR(CheckParameterNames(buffer, *info));
  ResolvedFill fill;
  fill.kind = info->kind;
  KS_ASSIGN_OR_RETURN(fill.first, NumberOf(buffer, *info, info->numbers[0], axes));
  KS_ASSIGN_OR_RETURN(fill.second, NumberOf(buffer, *info, info->numbers[1], axes));
  const auto& parameters = buffer.fill.parameters;
  if (const auto found = parameters.find("row_ptr"); found != parameters.end()) {
    fill.row_ptr = found->second;
  }
  if (const auto found = parameters.find("bits"); found != parameters.end()) {
    KS_ASSIGN_OR_RETURN(const double bits,
                        NumberOf(buffer, *info, Parameter{"bits", nullptr}, axes));
    if (!IsWhole(bits) || bits < 1 || bits > 53) {
      return Bad(buffer, "bits must be an integer from 1 to 53");
    }
    fill.bits = static_cast<int>(bits);
  }
  fill.variants = fill.kind == FillKind::kNormal || fill.kind == FillKind::kUniform;
  if (const auto found = parameters.find("variants"); found != parameters.end()) {
    if (found->second != "true" && found->second != "false") {
      return Bad(buffer, "variants must be true or false");
    }
    fill.variants = fill.variants && found->second == "true";
  }
  KS_RETURN_IF_ERROR(CheckNumbers(buffer, fill));
  return fill;
}

bool IsElementwise(FillKind kind) {
  return kind != FillKind::kPermutation && kind != FillKind::kCsrRowPtr &&
         kind != FillKind::kCsrColIdx;
}

void DrawElements(const ResolvedFill& fill, DType dtype, BitLanes& bits, std::span<std::byte> out) {
  WithElements(dtype, out.data(), [&](auto* data) {
    if constexpr (std::is_arithmetic_v<std::remove_pointer_t<decltype(data)>>) {
      DrawTyped(fill, bits, data, out.size() / SizeOf(dtype));
    } else {
      KS_CHECK(false);
    }
  });
}

Status DrawStructure(const ResolvedFill& fill, DType dtype, std::span<const int64_t> row_ptr,
                     BitLanes& bits, std::span<std::byte> out) {
  const size_t total = out.size() / SizeOf(dtype);
  const bool sorted = fill.kind == FillKind::kCsrColIdx && !row_ptr.empty();
  if (sorted && row_ptr.back() != static_cast<int64_t>(total)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("the row pointers end at {}, but there are {} column indices",
                             row_ptr.back(), total)};
  }
  WithElements(dtype, out.data(), [&](auto* data) {
    if constexpr (!std::is_integral_v<std::remove_pointer_t<decltype(data)>>) {
      KS_CHECK(false);  // ResolveFill lets structure be drawn into integers only
    } else if (fill.kind == FillKind::kPermutation) {
      DrawPermutation(bits, data, total);
    } else if (fill.kind == FillKind::kCsrRowPtr) {
      DrawRowPtr(fill.first, bits, data, total);
    } else if (!sorted) {
      DrawIntegers(0, fill.first - 1, bits, data, total);
    } else {
      for (size_t row = 0; row + 1 < row_ptr.size(); ++row) {
        DrawColumns(fill.first, bits, data, static_cast<size_t>(row_ptr[row]),
                    static_cast<size_t>(row_ptr[row + 1]));
      }
    }
  });
  return {};
}

}  // namespace ks
