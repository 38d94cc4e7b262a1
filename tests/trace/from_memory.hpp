#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <string_view>

#include "harness/os/file_descriptor.hpp"
#include "harness/os/files.hpp"
#include "harness/trace/line_source.hpp"

/// What the room reads from files, from memory.
namespace shadowwalk::trace {

/// The lines of a text, which must outlive the object.
class TextLines final : public LineSource {
 public:
  explicit TextLines(std::string_view text) : text_(text) {}

 protected:
  std::size_t read(char* into, std::size_t capacity) override {
    const std::size_t count = std::min(capacity, text_.size());
    text_.copy(into, count);
    text_.remove_prefix(count);
    return count;
  }

 private:
  std::string_view text_;
};

/// A file of these bytes that lies in memory and is gone once it is closed.
inline os::FileDescriptor memory_file(std::string_view bytes) {
  os::FileDescriptor file(memfd_create("trace", MFD_CLOEXEC));
  if (os::write_all(file.get(), bytes) != 0) std::abort();
  return file;
}

}  // namespace shadowwalk::trace
