#include "harness/doctor/elf_notes.hpp"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

namespace shadowwalk::doctor {
namespace {

std::span<const std::byte> bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

std::string own_executable() {
  std::ifstream self("/proc/self/exe", std::ios::binary);
  return {std::istreambuf_iterator<char>(self), std::istreambuf_iterator<char>()};
}

TEST(ElfNotesTest, KindsOfFiles) {
  std::string self = own_executable();
  self[offsetof(Elf64_Ehdr, e_type)] = ET_DYN;  // whether this one is position-independent or not
  EXPECT_EQ(elf_kind(bytes(self)), ElfKind::shared_object);
  std::string changed = self;
  changed[offsetof(Elf64_Ehdr, e_type)] = ET_REL;
  EXPECT_EQ(elf_kind(bytes(changed)), ElfKind::other);
  changed = self;
  changed[offsetof(Elf64_Ehdr, e_machine)] = EM_S390;
  EXPECT_EQ(elf_kind(bytes(changed)), ElfKind::other);
  changed = self;
  changed[EI_CLASS] = ELFCLASS32;
  EXPECT_EQ(elf_kind(bytes(changed)), ElfKind::none);
  EXPECT_EQ(elf_kind(bytes("#!/bin/sh\n")), ElfKind::none);
  EXPECT_EQ(elf_kind(bytes(self.substr(0, sizeof(Elf64_Ehdr) - 1))), ElfKind::none);
}

TEST(ElfNotesTest, OwnersAreWithoutTheirZeroes) {
  const std::string self = own_executable();
  std::size_t build_ids = 0;
  for_each_elf_note(bytes(self),
                    [&](std::string_view owner, std::uint32_t type, std::span<const std::byte> description) {
                      EXPECT_EQ(owner.find('\0'), std::string_view::npos);
                      if (owner == "GNU" && type == NT_GNU_BUILD_ID && description.size() == 20) ++build_ids;
                    });
  EXPECT_EQ(build_ids, 1u);
}

using testing::ElementsAre;
using testing::IsEmpty;

/// A note of systemtap's: three addresses, provider, name, arguments.
std::string note(std::string_view provider, std::string_view name, std::string_view owner = "stapsdt",
                 std::uint32_t type = 3) {
  const std::string description =
      std::string(24, '\x11') + std::string(provider) + '\0' + std::string(name) + '\0' + "8@%rax" + '\0';
  const Elf64_Nhdr header{static_cast<Elf64_Word>(owner.size() + 1), static_cast<Elf64_Word>(description.size()), type};
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
  for (const std::string& part : {std::string(owner) + '\0', description}) {
    bytes += part;
    bytes.resize((bytes.size() + 3) / 4 * 4);
  }
  return bytes;
}

/// An ELF file of one section of notes.
std::string elf(const std::string& notes) {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
  header.e_shoff = sizeof header;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = 2;
  Elf64_Shdr sections[2] = {};
  sections[1].sh_type = SHT_NOTE;
  sections[1].sh_offset = sizeof header + sizeof sections;
  sections[1].sh_size = notes.size();
  std::string file(reinterpret_cast<const char*>(&header), sizeof header);
  file.append(reinterpret_cast<const char*>(sections), sizeof sections);
  return file + notes;
}

std::vector<std::string> probes_of(const std::string& file) {
  return usdt_probes({reinterpret_cast<const std::byte*>(file.data()), file.size()});
}

TEST(ElfProbesTest, EachProbeOnceInOrder) {
  EXPECT_THAT(probes_of(elf(note("shadowwalk", "zap") + note("shadowwalk", "free") + note("shadowwalk", "zap"))),
              ElementsAre("shadowwalk:free", "shadowwalk:zap"));
}

TEST(ElfProbesTest, OtherNotesArePassedOver) {
  EXPECT_THAT(probes_of(elf(note("a", "b", "GNU") + note("c", "d", "stapsdt", 1) + note("e", "f"))),
              ElementsAre("e:f"));
  EXPECT_THAT(probes_of(elf("")), IsEmpty());
}

TEST(ElfProbesTest, NoElfHasNoProbes) {
  EXPECT_THAT(probes_of(""), IsEmpty());
  EXPECT_THAT(probes_of("#!/bin/sh\n" + std::string(1000, 'x')), IsEmpty());
  std::string narrow = elf(note("a", "b"));
  narrow[EI_CLASS] = ELFCLASS32;
  EXPECT_THAT(probes_of(narrow), IsEmpty());
}

// No read beyond the end, wherever the file is cut; the sanitizers watch.
TEST(ElfProbesTest, EveryTruncation) {
  const std::string whole = elf(note("a", "b") + note("c", "d"));
  EXPECT_THAT(probes_of(whole), ElementsAre("a:b", "c:d"));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::string part = whole.substr(0, size);
    EXPECT_THAT(probes_of({part.begin(), part.end()}), testing::SizeIs(testing::Lt(2))) << size;
  }
}

TEST(ElfProbesTest, EveryByteMayLie) {
  const std::string whole = elf(note("a", "b"));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const char lie : {'\x00', '\x7f', '\xff'}) {
      std::string changed = whole;
      changed[at] = lie;
      EXPECT_LE(probes_of(changed).size(), 1u) << at;
    }
  }
}

}  // namespace

}  // namespace shadowwalk::doctor
