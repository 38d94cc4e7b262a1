#include "harness/verify/mutants.hpp"

#include <algorithm>
#include <array>

namespace shadowwalk::verify {
namespace {

void as_it_is(VerifyConfig&) {}
void with_two_zaps(VerifyConfig& config) {
  config.pages = kMostPages;
  config.zaps = std::max(config.zaps, 2u);
}
void with_two_zaps_and_walks(VerifyConfig& config) {
  with_two_zaps(config);
  config.walks = std::max(config.walks, 2u);
}
void with_guest(VerifyConfig& config) { config.guest = true; }
/// A TLB holds something only after a first entry. One vCPU: this has many schedules.
void with_two_guest_entries(VerifyConfig& config) {
  config.guest = true;
  config.walkers = 1;
  config.walks = std::max(config.walks, 2u);
}
/// A request for a flush, and one for a root.
void with_two_requests(VerifyConfig& config) {
  with_two_guest_entries(config);
  config.zap_all = true;
  config.zaps = std::max(config.zaps, 2u);
}
void with_two_walks(VerifyConfig& config) { config.walks = std::max(config.walks, 2u); }
/// One walker can keep one page from being freed.
void with_more_pages_than_a_walker_names(VerifyConfig& config) {
  config.walkers = 1;
  with_two_zaps(config);
}
void with_two_batches_of_two_pages(VerifyConfig& config) {
  config.walkers = 1;
  config.walks = std::max(config.walks, 2u);
  config.faults = true;
  config.zap_all = true;
  config.zappers = 2;
  config.pages = kMostPages;
}

constexpr std::string_view kFlush = "harness/machine/request_all_cpus.hpp";
constexpr std::string_view kVcpu = "harness/machine/vcpu.hpp";
constexpr std::string_view kWalker = "harness/mmu/vcpu_mmu.hpp";
constexpr std::string_view kScheme = "harness/verify/mutated_variant.hpp";
constexpr std::string_view kInterrupt = "harness/simulation/cpu.hpp";

constexpr std::array<MutantInfo, 13> kMutants = {{
    {Mutant::second_flusher_returns_early, "second-flusher-returns-early",
     "a flush whose request is pending already does not wait for it", kFlush, "84261923d3dd", false,
     with_two_zaps_and_walks},
    {Mutant::request_without_barrier, "request-without-barrier",
     "a flush posts its request, and looks at the mode with no barrier in between", kFlush, "7bfdf2177812", false,
     with_two_guest_entries},
    {Mutant::request_cleared_unlocked, "request-cleared-unlocked",
     "a vCPU takes its requests by a load and a store: one posted in between is lost", kVcpu, "", false,
     with_two_requests},
    {Mutant::guest_entry_ignores_requests, "guest-entry-ignores-requests",
     "a vCPU does not look at its requests again once its mode says in_guest", kVcpu, "", false,
     with_two_guest_entries},
    {Mutant::spte_read_twice, "spte-read-twice", "the walker decides on one read of an SPTE, and goes on with another",
     kWalker, "", false, as_it_is},
    {Mutant::begin_without_barrier, "begin-without-barrier", "the read side's full barriers are left out", kScheme, "",
     false, as_it_is},
    {Mutant::end_before_last_read, "end-before-last-read", "what ends the section is hoisted above its last read",
     kScheme, "", false, as_it_is},
    {Mutant::zapped_pages_kept, "zapped-pages-kept", "zapped pages are kept for reuse, without bound", kScheme,
     "365c886860c4", true, with_more_pages_than_a_walker_names},
    {Mutant::one_page_per_commit, "one-page-per-commit", "of the pages that it could free a commit frees one", kScheme,
     "ebdb292dac79", true, with_two_batches_of_two_pages},
    {Mutant::page_freed_twice, "page-freed-twice", "a page is freed again", kScheme, "", false, as_it_is},
    {Mutant::page_never_freed, "page-never-freed", "a page is forgotten", kScheme, "", false, as_it_is},
    {Mutant::ipi_lost, "ipi-lost", "an IPI is sent and never arrives", kInterrupt, "", false, with_guest},
    {Mutant::gate_left_closed, "gate-left-closed", "the section's end does not open the interrupt gate", kInterrupt, "",
     false, with_two_walks},
}};

}  // namespace

std::span<const MutantInfo> mutants() { return kMutants; }

const MutantInfo& info_of(Mutant mutant) { return *std::ranges::find(kMutants, mutant, &MutantInfo::mutant); }

std::optional<Mutant> find_mutant(std::string_view name) {
  const auto found = std::ranges::find(kMutants, name, &MutantInfo::name);
  if (found == kMutants.end()) return std::nullopt;
  return found->mutant;
}

}  // namespace shadowwalk::verify
