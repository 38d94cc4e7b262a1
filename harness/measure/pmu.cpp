#include "harness/measure/pmu.hpp"

#include <fmt/format.h>
#include <linux/perf_event.h>  // before pfmlib_perf_event.h, which needs its types
#include <perfmon/pfmlib_perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace shadowwalk {

std::string pmu_unavailable_reason() {
  if (const int error = pfm_initialize(); error != PFM_SUCCESS) return fmt::format("libpfm4: {}", pfm_strerror(error));

  perf_event_attr attributes{};
  attributes.size = sizeof(attributes);
  pfm_perf_encode_arg_t encoding{};
  encoding.attr = &attributes;
  encoding.size = sizeof(encoding);
  if (const int error = pfm_get_os_event_encoding("cycles", PFM_PLM3, PFM_OS_PERF_EVENT, &encoding);
      error != PFM_SUCCESS) {
    return fmt::format("libpfm4 cannot encode cycles: {}", pfm_strerror(error));
  }
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  const long fd = syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
  if (fd >= 0) {
    close(static_cast<int>(fd));
    return {};
  }
  switch (errno) {
    case ENOENT:
    case EOPNOTSUPP:
      return "no hardware PMU (virtualised away, or not supported by the kernel)";
    case EACCES:
    case EPERM:
      return "not permitted: sysctl kernel.perf_event_paranoid=2 or lower, or CAP_PERFMON";
    case ENOSYS:
      return "the kernel has no perf_event_open";
    default:
      return fmt::format("perf_event_open: {}", std::strerror(errno));
  }
}

}  // namespace shadowwalk
