#pragma once

namespace shadowwalk {

class Registry;

/// One line a variant: add yours here.
void add_shipped_variants(Registry& registry);

}  // namespace shadowwalk
