#pragma once

#include <memory>

namespace sextant {

template <auto Free>
struct OpensslFree {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};

// Owns an object of OpenSSL: OpensslPtr<X509, X509_free>.
template <typename T, auto Free>
using OpensslPtr = std::unique_ptr<T, OpensslFree<Free>>;

}  // namespace sextant
