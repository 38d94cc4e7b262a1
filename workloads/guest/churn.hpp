#pragma once

#include <stdint.h>

#include "workloads/guest/fill.hpp"
#include "workloads/guest/uniform.hpp"

namespace shadowwalk {

/// Locality::churn. A process's life has two halves, that to its fork and that to its exit: each is `touches` accesses,
/// then one write to each of its page-table entries. The cursor counts the accesses of the process whose turn it is.
inline void fill_churn(const AccessStream& stream, StreamCursor& cursor, uint64_t first_gfn, Access* out,
                       uint64_t count) {
  const AccessKinds kinds(stream);
  const uint64_t half = stream.touches + stream.pages;
  while (count > 0) {
    const uint64_t process_gfn = first_gfn + cursor.process * stream.pages;
    const uint64_t done = cursor.position < half ? cursor.position : cursor.position - half;
    const bool touches = done < stream.touches;
    const uint64_t left = (touches ? stream.touches : half) - done;
    const uint64_t now = count < left ? count : left;
    if (touches) {
      UniformPages pages(stream.pages);
      fill(pages, kinds, process_gfn, cursor.random, out, now);
    } else {
      const uint64_t gfn = process_gfn + (done - stream.touches);
      for (uint64_t i = 0; i < now; ++i) out[i] = Access::make(gfn + i, AccessKind::page_table_write);
    }
    out += now;
    count -= now;
    cursor.position += now;
    if (cursor.position == 2 * half) {
      cursor.position = 0;
      cursor.process = cursor.process + 1 < stream.processes ? cursor.process + 1 : 0;
    }
  }
}

}  // namespace shadowwalk
