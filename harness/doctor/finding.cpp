#include "harness/doctor/finding.hpp"

#include <cstddef>
#include <utility>

namespace shadowwalk::doctor {

Mend run(std::string command) { return {.command = std::move(command), .advice = {}}; }
Mend advise(std::string advice) { return {.command = {}, .advice = std::move(advice)}; }

std::string_view name_of(State state) {
  constexpr std::string_view kNames[] = {"ok", "note", "lack"};
  return kNames[static_cast<std::size_t>(state)];
}

std::string_view name_of(Verdict verdict) {
  constexpr std::string_view kNames[] = {"yes", "partly", "no"};
  return kNames[static_cast<std::size_t>(verdict)];
}

Finding ok(std::string value, std::string meaning) { return {{}, State::ok, std::move(value), std::move(meaning), {}}; }

Finding note(std::string value, std::string meaning, Mend mend) {
  return {{}, State::note, std::move(value), std::move(meaning), std::move(mend)};
}

Finding lack(std::string value, std::string meaning, Mend mend) {
  return {{}, State::lack, std::move(value), std::move(meaning), std::move(mend)};
}

std::vector<Finding> findings_of(const Host& host, std::initializer_list<Examination> examinations) {
  std::vector<Finding> findings;
  for (const Examination& examination : examinations) {
    findings.push_back(examination.examine(host));
    findings.back().subject = examination.subject;
  }
  return findings;
}

}  // namespace shadowwalk::doctor
