#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace shadowwalk::doctor {

enum class State {
  ok,    ///< as a measurement wants it
  note,  ///< to be known when results are read
  lack   ///< something cannot be measured for it
};

/// What to do about a lack or a note: a command, or words where no command helps. Both empty: nothing is to be done.
struct Mend {
  std::string command;  ///< one shell command, as this user would run it (with sudo where it takes root)
  std::string advice;
  bool empty() const { return command.empty() && advice.empty(); }
};

/// One thing that was looked at.
struct Finding {
  std::string subject;  ///< stable: docs/doctor.schema.json has the list
  State state = State::ok;
  std::string value;    ///< what is there, in a few words
  std::string meaning;  ///< what that means to the lab
  Mend mend;
};

enum class Verdict {
  yes,
  partly,  ///< an estimate, or less than usual
  no
};

/// One thing that the lab measures, and whether it can here.
struct Ability {
  std::string name;  ///< stable, as subjects are
  Verdict verdict = Verdict::yes;
  std::string how;  ///< how it is measured, or why it cannot be
  Mend mend;
};

std::string_view name_of(State state);      ///< "ok", "note", "lack"
std::string_view name_of(Verdict verdict);  ///< "yes", "partly", "no"

}  // namespace shadowwalk::doctor
