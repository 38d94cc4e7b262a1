#include "harness/trace/unread_format.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "harness/trace/event_line.hpp"

namespace shadowwalk::trace {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kUnpack = "unpack it first";
constexpr std::string_view kConvert = "convert it first: iconv -t UTF-8 -f UTF-16";

struct Magic {
  std::string_view bytes;
  UnreadFormat format;
  std::size_t offset = 0;
};

constexpr std::array kMagics = {
    Magic{"\x1f\x8b"sv, {"compressed with gzip", "unpack it first: gunzip"}},
    Magic{"\x28\xb5\x2f\xfd"sv, {"compressed with zstd", "unpack it first: unzstd"}},
    Magic{"\xfd\x37zXZ"sv, {"compressed with xz", "unpack it first: unxz"}},
    Magic{"BZh"sv, {"compressed with bzip2", "unpack it first: bunzip2"}},
    Magic{"\x04\x22\x4d\x18"sv, {"compressed with lz4", "unpack it first: unlz4"}},
    Magic{"\x02\x21\x4c\x18"sv, {"compressed with lz4", "unpack it first: unlz4"}},
    Magic{"LZIP"sv, {"compressed with lzip", "unpack it first: lzip -d"}},
    Magic{"\x89LZO"sv, {"compressed with lzop", "unpack it first: lzop -d"}},
    Magic{"\x1f\x9d"sv, {"compressed with compress", "unpack it first: uncompress"}},
    Magic{"PK\x03\x04"sv, {"a zip archive", "unpack it first: unzip"}},
    Magic{"7z\xbc\xaf\x27\x1c"sv, {"a 7-Zip archive", kUnpack}},
    Magic{"Rar!"sv, {"a RAR archive", kUnpack}},
    Magic{"ustar"sv, {"a tar archive", "unpack it first: tar -xf"}, 257},
    Magic{"\xff\xfe\x00\x00"sv, {"UTF-32 text", "convert it first: iconv -t UTF-8 -f UTF-32"}},
    Magic{"\x00\x00\xfe\xff"sv, {"UTF-32 text", "convert it first: iconv -t UTF-8 -f UTF-32"}},
    Magic{"\xff\xfe"sv, {"UTF-16 text", kConvert}},
    Magic{"\xfe\xff"sv, {"UTF-16 text", kConvert}},
    Magic{"\x7f"
          "ELF"sv,
          {"an ELF file", "name the recording"}},
    Magic{"\xc1\x1f\xfc\xc1"sv, {"a CTF trace", "print it with perf script before it is converted"}},
};

constexpr std::string_view kPrintAsPerfScript = "print it with `perf script --ns -F comm,pid,tid,cpu,time,event,trace`";

/// Every second byte is zero in UTF-16 text of ASCII, with or without a mark at its beginning.
bool is_utf16(std::string_view start) {
  constexpr std::size_t kSeen = 16;
  if (start.size() < kSeen) return false;
  for (const std::size_t zero : {0, 1}) {
    bool all = true;
    for (std::size_t i = 0; i < kSeen; ++i) all = all && (start[i] == '\0') == (i % 2 == zero);
    if (all) return true;
  }
  return false;
}

bool is_name_char(char c) {
  return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// "0.003 CPU 0/KVM/4250 kvm:kvm_entry(guest_rip: 0x400000)"
bool is_perf_trace(std::string_view line) {
  const std::size_t point = line.find_first_not_of("0123456789");
  if (point == 0 || point == std::string_view::npos || line[point] != '.') return false;
  const std::size_t open = line.find('(', point + 8);
  if (open == std::string_view::npos || open == 0) return false;
  return is_name_char(line[open - 1]) && line.find(':') != std::string_view::npos &&
         line.find(')', open) != std::string_view::npos;
}

/// " 3)   0.123 us    |  kvm_exit();"
bool is_function_graph(std::string_view line) {
  const std::size_t digits = line.find_first_not_of("0123456789");
  return digits != 0 && digits != std::string_view::npos && line[digits] == ')' &&
         line.find('|') != std::string_view::npos;
}

bool contains(std::string_view line, std::string_view words) { return line.find(words) != std::string_view::npos; }

}  // namespace

bool names_kvm_event(std::string_view line) {
  for (const std::string_view name : {"kvm:", "kvmmmu:", "kvm_"}) {
    for (std::size_t at = line.find(name); at != std::string_view::npos; at = line.find(name, at + 1)) {
      if (at != 0 && !is_blank(line[at - 1])) continue;
      std::size_t end = at + name.size();
      while (end < line.size() && is_name_char(line[end])) ++end;
      if (end > at + name.size() && end < line.size() && line[end] == ':') return true;
    }
  }
  return false;
}

UnreadFormat unread_file_format(std::string_view start) {
  for (const Magic& magic : kMagics) {
    if (start.size() > magic.offset && start.substr(magic.offset).starts_with(magic.bytes)) return magic.format;
  }
  return is_utf16(start) ? UnreadFormat{"UTF-16 text", kConvert} : UnreadFormat{};
}

UnreadFormat unread_line_format(std::string_view line) {
  line = trimmed(line);
  if (line.empty()) return {};
  if (line.starts_with("# tracer: function")) return {"ftrace's function tracer", "record events: kvm:* and kvmmmu:*"};
  if (line.front() == '#') return {};
  if (is_perf_trace(line)) return {"`perf trace`", kPrintAsPerfScript};
  if (is_function_graph(line)) return {"ftrace's function_graph tracer", "record events: kvm:* and kvmmmu:*"};
  if (line.starts_with("{") || line.starts_with("[{") || line == "[") return {"JSON", kPrintAsPerfScript};
  if (line.starts_with("<!") || line.starts_with("<html") || line.starts_with("<?xml")) {
    return {"HTML or XML", "give the text that it shows"};
  }
  if (line.starts_with("[") && contains(line, "{ cpu_id = ")) return {"babeltrace (LTTng)", kPrintAsPerfScript};
  if (contains(line, "ms (+") && contains(line, "ms): ")) {
    return {"ftrace's verbose latency format", "clear its options verbose and latency-format, and print it again"};
  }
  if (line.starts_with("0x") && contains(line, "PERF_RECORD_"))
    return {"a raw dump (`perf script -D`)", kPrintAsPerfScript};
  if (line.starts_with("Attaching ") && contains(line, "probe")) return {"bpftrace", kPrintAsPerfScript};
  if (line.starts_with("Analyze events for")) return {"`perf kvm stat`", kPrintAsPerfScript};
  if (names_kvm_event(line)) return {"KVM's events without their thread or time", kPrintAsPerfScript};
  return {};
}

}  // namespace shadowwalk::trace
