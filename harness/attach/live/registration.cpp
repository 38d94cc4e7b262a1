#include "harness/attach/live/registration.hpp"

#include <utility>

#include "harness/attach/live/process.hpp"
#include "harness/attach/live/runtime_files.hpp"
#include "harness/machine/error.hpp"

namespace shadowwalk::live {

Registration::Registration(Warn warn) : warn_(std::move(warn)), name_(file_name(this_process())) {
  try {
    directory_.emplace(RuntimeDirectory::make());
  } catch (const InputError& error) {
    give_up(error.what());
  }
}

Registration::~Registration() {
  if (directory_) directory_->remove(name_);
}

void Registration::update(const Entry& entry) {
  if (!directory_) return;
  try {
    directory_->replace(name_, to_text(entry));
  } catch (const InputError& error) {
    directory_->remove(name_);  // what it says is no longer so
    give_up(error.what());
  }
}

void Registration::give_up(const std::string& why) {
  directory_.reset();
  if (warn_) warn_(why);
}

}  // namespace shadowwalk::live
