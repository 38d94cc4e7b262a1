#include "harness/doctor/elf_notes.hpp"

#include <elf.h>
#include <gtest/gtest.h>

#include <cstddef>
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

}  // namespace
}  // namespace shadowwalk::doctor
