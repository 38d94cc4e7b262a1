# The guest of record_churn: one round of device accesses, page-table writes and memory accesses, for ever.
# Position-independent, at CPL 3 with IOPL 3. On entry:
#   r12  the page table that is edited, through an alias of it
#   r13  what it maps
#   r14  pages behind it: entries are rotated over them
#   r15  device pages
#   rbp  scratch memory
.intel_syntax noprefix
.section .rodata
.globl churn_guest_begin, churn_guest_end
churn_guest_begin:
  xor ebx, ebx                  # the round
round:
  mov eax, [r15]                # a device register, read and written
  mov [r15 + 0x1000], eax

  xor ecx, ecx                  # scratch memory, which the host takes away and gives back
scratch:
  mov edx, ecx
  shl edx, 12
  mov [rbp + rdx], rbx
  inc ecx
  cmp ecx, 8
  jb scratch

  xor ecx, ecx                  # eight entries of a page table, then what they map
edit:
  lea eax, [rbx + rcx]
  and eax, 63
  shl eax, 12
  add rax, r14
  or rax, 7                     # present, writable, user
  mov [r12 + rcx * 8], rax
  inc ecx
  cmp ecx, 8
  jb edit
  out 0x10, al                  # the next process, please: the host loads CR3

  xor ecx, ecx
touch:
  mov edx, ecx
  shl edx, 12
  mov [r13 + rdx], rbx
  inc ecx
  cmp ecx, 8
  jb touch
  inc rbx
  jmp round
churn_guest_end:
.section .note.GNU-stack, "", @progbits
