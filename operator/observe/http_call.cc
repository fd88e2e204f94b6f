#include "operator/observe/http_call.h"

#include <format>

namespace sextant::op {
namespace {

constexpr std::size_t kMaxBody = std::size_t{1} << 20;

void SetBlob(CURL* handle, CURLoption option, const std::string& text) {
  curl_blob blob{.data = const_cast<char*>(text.data()),  // NOLINT: libcurl's, it only reads
                 .len = text.size(),
                 .flags = CURL_BLOB_NOCOPY};  // the request keeps it
  curl_easy_setopt(handle, option, &blob);
}

}  // namespace

HttpCall::HttpCall(Request request) : request_(std::move(request)), handle_(curl_easy_init()) {
  CURL* handle = handle_.get();
  curl_easy_setopt(handle, CURLOPT_URL, request_.url.c_str());
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_PROXY, "");
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(request_.timeout.count()));
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, request_.tls == nullptr ? "http" : "https");
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &HttpCall::Take);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(handle, CURLOPT_PRIVATE, this);
  if (!request_.connect_to.empty()) {
    connect_to_.reset(curl_slist_append(nullptr, request_.connect_to.c_str()));
    curl_easy_setopt(handle, CURLOPT_CONNECT_TO, connect_to_.get());
  }
  if (!request_.body.empty()) {
    headers_.reset(curl_slist_append(nullptr, "Content-Type: application/json"));
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers_.get());
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, static_cast<long>(request_.body.size()));
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request_.body.c_str());
  }
  if (request_.tls != nullptr) {
    SetBlob(handle, CURLOPT_CAINFO_BLOB, request_.tls->ca);
    SetBlob(handle, CURLOPT_SSLCERT_BLOB, request_.tls->certificate);
    SetBlob(handle, CURLOPT_SSLKEY_BLOB, request_.tls->key);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 2L);
  }
}

HttpCall::~HttpCall() = default;

std::size_t HttpCall::Take(char* data, std::size_t size, std::size_t count, void* self) {
  auto& body = static_cast<HttpCall*>(self)->body_;
  if (body.size() + size * count > kMaxBody) {
    return 0;  // ends the transfer with an error
  }
  body.append(data, size * count);
  return size * count;
}

void HttpCall::Perform() { Finish(curl_easy_perform(handle())); }

void HttpCall::Clear() {
  body_.clear();
  error_.clear();
}

void HttpCall::Finish(CURLcode code) {
  if (code != CURLE_OK) {
    error_ = curl_easy_strerror(code);
    return;
  }
  long status = 0;
  curl_easy_getinfo(handle(), CURLINFO_RESPONSE_CODE, &status);
  if (status < 200 || status > 299) {
    error_ = std::format("HTTP {}: {}", status, body_.substr(0, 300));
  }
}

}  // namespace sextant::op
