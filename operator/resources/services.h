// Services and disruption budgets.
#pragma once

#include "operator/resources/render.h"

namespace sextant::op {

// NAME-rw, -ro, -r, -pods, -storage. `readers_serve`: -ro selects readers, else the writer.
[[nodiscard]] std::vector<kube::Json> BuildServices(const Render& render, bool readers_serve);
[[nodiscard]] std::vector<kube::Json> BuildDisruptionBudgets(const Render& render);

}  // namespace sextant::op
