#include "agent/engine.h"

#include "agent/mariadb/adapter.h"
#include "agent/postgresql/adapter.h"

namespace sextant::agent {

Result<std::unique_ptr<Engine>> MakeEngine(const Config& config) {
  return config.engine == EngineType::kPostgresql ? postgresql::MakeAdapter(config)
                                                  : mariadb::MakeAdapter(config);
}

}  // namespace sextant::agent
