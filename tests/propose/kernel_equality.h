// Compiles an original and an edited kernel, runs both on random inputs and compares the outputs.
// Every buffer is 64-byte aligned and ends (rounded up to 64 bytes) at an unreadable page.
#ifndef KS_TESTS_PROPOSE_KERNEL_EQUALITY_H_
#define KS_TESTS_PROPOSE_KERNEL_EQUALITY_H_

#include <string>
#include <vector>

#include "core/machine.h"
#include "core/task.h"
#include "propose/skill.h"

namespace ks {

// "a:f32[m,k]" -> a buffer; shapes are axis names, integers and products "2*m". "x:i32[n]<k" draws
// integers below k. "alpha:f32" is a scalar.
BufferSpec BufferOf(const std::string& text);
// A task with buffers written as above; reordering allowed unless said otherwise.
Task TaskOf(const std::string& entry, const std::vector<std::string>& inputs,
            const std::vector<std::string>& outputs, const std::vector<std::string>& axes,
            bool allow_reassociation = true);
// Matrix product c[m,n] = a[m,k] * b[k,n] and its plain seed.
Task MatmulTask();
std::string MatmulSeed();

// This machine's vector width and instruction sets; both compilers; fixed cache sizes.
Machine TestMachine();

// A few size choices for the axes of a task: ones, odd, prime and mixed ones.
std::vector<AxisValues> OddSizes(const Task& task);

// Empty: `edited` compiles under its own build directives and, for every size, writes what
// `original` writes (floats within `tolerance` relative to the largest magnitude of the output).
// Otherwise says what differs, or the compiler's message.
std::string DifferenceOf(const Task& task, const std::string& original, const std::string& edited,
                         const std::vector<AxisValues>& sizes, double tolerance = 2e-5);

// The analysed kernel; aborts when it does not parse.
std::unique_ptr<KernelContext> Analyse(const std::string& source, const Task& task,
                                       const Machine& machine);

// Applies `skill` to `source` and compares every edit with it (at most `limit` edits). Returns the
// number of edits; a difference is a test failure naming the edit.
int ExpectEditsKeepResult(const Skill& skill, const Task& task, const std::string& source,
                          int limit = 12);
// Edits of `skill` on `source`.
std::vector<Edit> EditsOf(const Skill& skill, const Task& task, const std::string& source);

// Median nanoseconds of one call of each kernel, measured alternately `rounds` times.
std::vector<double> TimeKernels(const Task& task, const std::vector<std::string>& sources,
                                const AxisValues& size, int rounds);

}  // namespace ks

#endif  // KS_TESTS_PROPOSE_KERNEL_EQUALITY_H_
