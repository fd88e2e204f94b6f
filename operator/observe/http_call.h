// One HTTP request by libcurl, alone or among others in a multi handle; it can be made again, which
// costs a fraction of another call's setting up.
#pragma once

#include "operator/observe/fleet.h"

#include <curl/curl.h>

#include <memory>
#include <string>

namespace sextant::op {

class HttpCall {
 public:
  struct Request {
    std::string url;
    std::string connect_to = {};                  // "host:port:ip:port", or empty: as the URL says
    std::string body = {};                        // not empty: a POST of JSON
    std::shared_ptr<const TlsMaterial> tls = {};  // null: plain HTTP
    Milliseconds timeout{1000};

    bool operator==(const Request&) const = default;  // the same material, not only an equal one
  };

  explicit HttpCall(Request request);
  ~HttpCall();
  HttpCall(const HttpCall&) = delete;
  HttpCall& operator=(const HttpCall&) = delete;

  [[nodiscard]] CURL* handle() const { return handle_.get(); }
  // Blocks.
  void Perform();
  void Finish(CURLcode code);
  // Before it is made again.
  void Clear();

  [[nodiscard]] const Request& request() const { return request_; }

  // After Finish() or Perform().
  [[nodiscard]] bool Succeeded() const { return error_.empty(); }
  [[nodiscard]] const std::string& error() const { return error_; }  // status or libcurl's words
  [[nodiscard]] const std::string& body() const { return body_; }

 private:
  struct FreeList {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };
  struct FreeEasy {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  };

  static std::size_t Take(char* data, std::size_t size, std::size_t count, void* self);

  const Request request_;
  std::string body_;
  std::string error_;
  std::unique_ptr<curl_slist, FreeList> headers_;
  std::unique_ptr<curl_slist, FreeList> connect_to_;
  std::unique_ptr<CURL, FreeEasy> handle_;
};

}  // namespace sextant::op
