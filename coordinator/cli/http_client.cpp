#include "coordinator/cli/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <memory>

namespace sonde::cli {
namespace {

constexpr long connect_seconds = 5;
constexpr long silent_seconds = 60;
/// Of an answer that is kept whole; the largest is a matrix of 2,000 sites.
constexpr std::size_t body_limit = std::size_t{1} << 30;

struct Free {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

struct Transfer {
  CURL* handle;
  const BodySink* sink;
  std::string body;
  bool unwanted = false;
  bool too_large = false;
};

std::size_t on_bytes(char* bytes, std::size_t size, std::size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  const std::string_view piece(bytes, size * count);
  long status = 0;
  curl_easy_getinfo(transfer.handle, CURLINFO_RESPONSE_CODE, &status);
  if (*transfer.sink && status == 200) {
    transfer.unwanted = !(*transfer.sink)(piece);
    return transfer.unwanted ? 0 : piece.size();
  }
  transfer.too_large = transfer.body.size() + piece.size() > body_limit;
  if (transfer.too_large) return 0;
  transfer.body += piece;
  return piece.size();
}

int on_progress(void* context, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return (*static_cast<const KeepGoing*>(context))() ? 0 : 1;
}

std::string failure_text(const std::string& base_url, CURLcode code, const char* detail) {
  const std::string reason = *detail != '\0' ? detail : curl_easy_strerror(code);
  const bool unreachable = code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST;
  return fmt::format("ask the coordinator at {}: {}{}", base_url, reason,
                     unreachable ? "; is it running? name another with --coordinator URL or SONDE_COORDINATOR" : "");
}

template <typename Prepare>
Expected<HttpReply> exchange(const std::string& base_url, const std::string& path, const BodySink& sink,
                             const Prepare& prepare) {
  const std::unique_ptr<CURL, Free> curl(curl_easy_init());
  if (curl == nullptr) return fail("start libcurl: it has no memory");
  const std::string url = base_url + path;
  std::array<char, CURL_ERROR_SIZE> detail{};
  Transfer transfer{curl.get(), &sink, {}};
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl.get(), CURLOPT_PROXY, "");
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_USERAGENT, "sonde/" SONDE_VERSION);
  curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT, connect_seconds);
  curl_easy_setopt(curl.get(), CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_LOW_SPEED_TIME, silent_seconds);
  curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, detail.data());
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, on_bytes);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, static_cast<void*>(&transfer));
  prepare(curl.get());
  const CURLcode code = curl_easy_perform(curl.get());
  if (transfer.too_large) return fail(fmt::format("ask the coordinator at {}: its answer is over 1 GiB", base_url));
  if (code != CURLE_OK && !transfer.unwanted) return fail(failure_text(base_url, code, detail.data()));
  HttpReply reply;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &reply.status);
  reply.body = std::move(transfer.body);
  return reply;
}

}  // namespace

Expected<HttpReply> http_get(const std::string& base_url, const std::string& path, const BodySink& sink,
                             const KeepGoing& keep_going) {
  return exchange(base_url, path, sink, [&](CURL* curl) {
    if (!keep_going) return;
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, const_cast<KeepGoing*>(&keep_going));
  });
}

namespace {

template <typename Prepare>
Expected<HttpReply> exchange_with_token(const std::string& base_url, const std::string& path, const std::string& token,
                                        const Prepare& prepare) {
  std::unique_ptr<curl_slist, FreeList> headers(curl_slist_append(nullptr, "Content-Type: application/json"));
  const std::string authorization = "Authorization: Bearer " + token;
  if (headers == nullptr || curl_slist_append(headers.get(), authorization.c_str()) == nullptr)
    return fail("start libcurl: it has no memory");
  return exchange(base_url, path, {}, [&](CURL* curl) {
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
    prepare(curl);
  });
}

}  // namespace

Expected<HttpReply> http_post(const std::string& base_url, const std::string& path, const std::string& json,
                              const std::string& token) {
  return exchange_with_token(base_url, path, token,
                             [&](CURL* curl) { curl_easy_setopt(curl, CURLOPT_POSTFIELDS, json.c_str()); });
}

Expected<HttpReply> http_delete(const std::string& base_url, const std::string& path, const std::string& token) {
  return exchange_with_token(base_url, path, token,
                             [](CURL* curl) { curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "DELETE"); });
}

std::string url_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                            c == '.' || c == '_' || c == '~';
    if (unreserved)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace sonde::cli
