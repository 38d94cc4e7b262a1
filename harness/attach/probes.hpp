#pragma once

// perf 6.1 drops constant arguments silently unless every argument sits in a register.
#define STAP_SDT_ARG_CONSTRAINT r
#include <sys/sdt.h>

/// USDT probes of the provider `shadowwalk`: a nop until perf or bpftrace attaches. Never one a walk.
#define SHADOWWALK_PROBE1(name, a) DTRACE_PROBE1(shadowwalk, name, a)
#define SHADOWWALK_PROBE2(name, a, b) DTRACE_PROBE2(shadowwalk, name, a, b)
