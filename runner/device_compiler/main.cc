// ksmith-device-compiler: a warm NVRTC in a sandbox, one compile after the other.
//
// argv: the path of the NVRTC library, then the options of a first compile, which warms it up.
// Messages on descriptor 3: 8 bytes of length, then the bytes (backend/compile/worker_pool.h). It
// ends when the other side closes.
#include <unistd.h>

#include <cstdint>

#include "backend/device/wire.h"
#include "nvrtc.h"

namespace ks {
namespace {

constexpr int kSocket = 3;
constexpr uint64_t kMaxRequestBytes = uint64_t{64} << 20;

bool ReadAll(char* data, size_t size) {
  while (size > 0) {
    const ssize_t n = read(kSocket, data, size);
    if (n <= 0) return false;
    data += n;
    size -= static_cast<size_t>(n);
  }
  return true;
}

bool WriteAll(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(kSocket, bytes.data(), bytes.size());
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

bool SendMessage(std::string_view message) {
  const uint64_t size = message.size();
  return WriteAll({reinterpret_cast<const char*>(&size), sizeof size}) && WriteAll(message);
}

bool ReadMessage(std::string* message) {
  uint64_t size = 0;
  if (!ReadAll(reinterpret_cast<char*>(&size), sizeof size) || size > kMaxRequestBytes) {
    return false;
  }
  message->resize(size);
  return ReadAll(message->data(), size);
}

NvrtcRequest Decode(std::string_view message) {
  WireReader in(message);
  NvrtcRequest request;
  request.source = in.Text();
  request.options = in.List<std::string>(8, [&] { return in.Text(); });
  request.kernels = in.List<std::string>(8, [&] { return in.Text(); });
  return request;
}

std::string Encode(const NvrtcReply& reply) {
  WireWriter out;
  out.Number(static_cast<uint8_t>(reply.ok));
  out.Text(reply.log);
  out.Text(reply.cubin);
  out.Text(reply.ptx);
  out.List(reply.symbols, [&](const std::string& symbol) { out.Text(symbol); });
  return out.Take();
}

int Main(int argc, char** argv) {
  Nvrtc nvrtc;
  if (argc < 2 || !nvrtc.Load(argv[1])) {
    SendMessage("-" + nvrtc.problem());
    return 1;
  }
  NvrtcRequest first;
  first.source = "extern \"C\" __global__ void warm(float* x) { x[threadIdx.x] += 1; }";
  first.options.assign(argv + 2, argv + argc);
  const NvrtcReply warm = nvrtc.Compile(first);
  if (!warm.ok || warm.cubin.empty()) {
    SendMessage("-a first compile fails: " + warm.log);
    return 1;
  }
  if (!SendMessage("+" + nvrtc.Version())) return 1;
  std::string message;
  while (ReadMessage(&message)) {
    if (!SendMessage(Encode(nvrtc.Compile(Decode(message))))) return 1;
  }
  return 0;
}

}  // namespace
}  // namespace ks

int main(int argc, char** argv) { return ks::Main(argc, argv); }
