#include "harness/doctor/system_calls.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

namespace shadowwalk::doctor {
namespace {

TEST(SystemCallsTest, WhatEndsTheProcessIsToldAndEndsAChildOnly) {
  EXPECT_EQ(why_not_survived([] {}), "");
  EXPECT_EQ(why_not_survived([] { raise(SIGSYS); }), "a seccomp filter kills the process");
  EXPECT_EQ(why_not_survived([] { raise(SIGKILL); }), "it ends the process by SIGKILL");
  EXPECT_EQ(why_not_survived([] { _exit(3); }), "it ends the process with exit code 3");
}

TEST(SystemCallsTest, AnExceptionIsNoEndOfTheProcess) {
  EXPECT_EQ(why_not_survived([] { throw std::runtime_error("left to the caller"); }), "");
}

}  // namespace
}  // namespace shadowwalk::doctor
