#pragma once

#include <memory>

#include "harness/lab/engine.hpp"
#include "variants/contract.hpp"

namespace shadowwalk {

/// floor: the same access stream, the same present and leaf tests and the same clocking over a plain radix tree,
/// without an engine: no variant, no roots that come and go, no shadow-page descriptions. What a walk costs at least
/// here, and what `leak` is compared with. It cannot zap.
extern const VariantInfo kFloorInfo;

std::unique_ptr<Engine> make_floor_engine(const Window& window);

}  // namespace shadowwalk
