#include "storage/server/permission.h"

#include <concepts>

namespace sextant::storage::server {
namespace {

template <class M, class... Ms>
concept OneOf = (std::same_as<M, Ms> || ...);

// A question names the kind of its answer.
template <class M>
concept Question = requires { typename M::Answer; };

template <class M>
inline constexpr bool kOfClients =
    Question<M> || OneOf<M, protocol::AskStatus, protocol::Seal, protocol::Adopt, protocol::Append,
                         protocol::Configure, protocol::ReadPage, protocol::SetPin,
                         protocol::DropPin, protocol::Pull>;

}  // namespace

bool MaySay(net::PartyKind speaker, const protocol::Message& message) {
  return speaker == net::PartyKind::kNode ||
         std::visit([]<class M>(const M&) { return kOfClients<M>; }, message);
}

}  // namespace sextant::storage::server
