#pragma once

#include <gtest/gtest.h>

#include <string>
#include <variant>

#include "harness/measure/pmu/event_encoder.hpp"

namespace shadowwalk::pmu::test {

/// An event that must be encodable, encoded.
inline EncodedEvent encode(const std::string& event, const SystemPaths& paths = {}) {
  auto result = encode_event(event, paths);
  if (const auto* refusal = std::get_if<Refusal>(&result)) {
    ADD_FAILURE() << event << ": " << refusal->reason;
    return {};
  }
  return std::get<EncodedEvent>(result);
}

}  // namespace shadowwalk::pmu::test
