#include "harness/host/kernel_config.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <utility>

namespace shadowwalk::host {
namespace {

/// Distributions' configurations have some 300 kB.
constexpr std::size_t kMostConfig = std::size_t{4} << 20;

}  // namespace

std::optional<std::string> gunzip(std::string_view compressed, std::size_t most) {
  z_stream stream{};
  constexpr int kGzipOnly = 16;
  if (inflateInit2(&stream, MAX_WBITS + kGzipOnly) != Z_OK) return std::nullopt;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));  // zlib does not write there
  stream.avail_in = static_cast<uInt>(compressed.size());
  std::string text;
  int status = Z_OK;
  while (status == Z_OK && text.size() <= most) {
    char buffer[16384];
    stream.next_out = reinterpret_cast<Bytef*>(buffer);
    stream.avail_out = sizeof buffer;
    status = inflate(&stream, Z_NO_FLUSH);
    text.append(buffer, sizeof buffer - stream.avail_out);
  }
  inflateEnd(&stream);
  if (status != Z_STREAM_END || text.size() > most) return std::nullopt;
  return text;
}

KernelConfig::KernelConfig(std::string text, std::string source)
    : text_("\n" + std::move(text)), source_(std::move(source)) {}

KernelConfig KernelConfig::read(const os::HostFiles& files, std::string_view release) {
  constexpr const char* kOwn = "/proc/config.gz";
  if (const auto compressed = files.read_bytes(kOwn)) {
    if (auto text = gunzip(*compressed, kMostConfig)) return {std::move(*text), kOwn};
  }
  for (const std::string& path :
       {fmt::format("/boot/config-{}", release), fmt::format("/lib/modules/{}/config", release),
        fmt::format("/lib/modules/{}/build/.config", release)}) {
    if (auto text = files.read(path)) return {std::move(*text), path};
  }
  return {};
}

std::optional<std::string> KernelConfig::value(std::string_view option) const {
  const std::string line = fmt::format("\n{}=", option);
  const std::size_t at = text_.find(line);
  if (at == std::string::npos) return std::nullopt;
  const std::size_t begin = at + line.size();
  return text_.substr(begin, text_.find('\n', begin) - begin);
}

}  // namespace shadowwalk::host
