#include "harness/attach/top/screen.hpp"

#include <curses.h>
#include <fmt/format.h>
#include <langinfo.h>

#include <algorithm>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "harness/machine/error.hpp"

namespace shadowwalk::top {
namespace {

constexpr int kCtrlC = 3;
constexpr int kEscape = 27;

}  // namespace

struct Screen::Terminal {
  // Not initscr(), which ends the process if it fails.
  SCREEN* const screen = newterm(nullptr, stdout, stdin);
};

bool terminal_takes_utf8() {
  std::setlocale(LC_CTYPE, "");
  return std::strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

Screen::Screen() : terminal_(std::make_unique<Terminal>()) {
  if (terminal_->screen == nullptr) {
    const char* const type = std::getenv("TERM");
    throw InputError(fmt::format("top: the terminal's type '{}' is unknown here; set TERM, or use --plain",
                                 type == nullptr ? "" : type));
  }
  raw();  // Ctrl-C is a key: the destructor must restore the terminal
  noecho();
  keypad(stdscr, TRUE);
  set_escdelay(25);
  curs_set(0);
}

Screen::~Screen() {
  endwin();
  delscreen(terminal_->screen);
}

std::size_t Screen::columns() const { return static_cast<std::size_t>(std::max(1, COLS)); }

void Screen::show(const std::vector<std::string>& lines) {
  erase();
  const int rows = std::min(LINES, static_cast<int>(lines.size()));
  for (int row = 0; row < rows; ++row) {
    if (row == 0) attron(A_BOLD);
    mvaddstr(row, 0, lines[static_cast<std::size_t>(row)].c_str());
    if (row == 0) attroff(A_BOLD);
  }
  refresh();
}

bool Screen::wait(std::chrono::milliseconds time) {
  timeout(static_cast<int>(time.count()));
  const int key = getch();
  return key != 'q' && key != 'Q' && key != kCtrlC && key != kEscape;
}

}  // namespace shadowwalk::top
