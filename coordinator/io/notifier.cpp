#include "coordinator/io/notifier.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <sodium/crypto_auth_hmacsha256.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <list>
#include <system_error>
#include <utility>

#include "coordinator/web/notices.h"
#include "shared/io/daemon.h"
#include "shared/io/fd.h"

namespace sonde::io {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t answer_kept = 200;

struct FreeEasy {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct FreeMulti {
  void operator()(CURLM* handle) const { curl_multi_cleanup(handle); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

/// A file's first line; the error names the file.
Expected<std::string> secret_in(const std::filesystem::path& file) {
  auto text = read_file(file);
  if (!text) return std::unexpected(std::move(text).error());
  text->resize(std::min(text->find_first_of("\r\n"), text->size()));
  if (text->empty()) return fail(fmt::format("{}: empty; put the secret into its first line", file.string()));
  return text;
}

std::string hmac_sha256(std::string_view key, std::string_view text) {
  const auto bytes = [](std::string_view view) { return reinterpret_cast<const unsigned char*>(view.data()); };
  crypto_auth_hmacsha256_state state;
  std::array<unsigned char, crypto_auth_hmacsha256_BYTES> sum{};
  crypto_auth_hmacsha256_init(&state, bytes(key), key.size());
  crypto_auth_hmacsha256_update(&state, bytes(text), text.size());
  crypto_auth_hmacsha256_final(&state, sum.data());
  return fmt::format("{:02x}", fmt::join(sum, ""));
}

/// One HTTP request or mail under way.
struct Transfer {
  std::uint64_t number = 0;
  std::string body;
  std::size_t sent = 0;  ///< of a mail's body
  std::string answer;    ///< its beginning
  std::array<char, CURL_ERROR_SIZE> detail{};
  std::unique_ptr<curl_slist, FreeList> headers;
  std::unique_ptr<curl_slist, FreeList> recipients;
  std::unique_ptr<CURL, FreeEasy> curl;

  void add(std::unique_ptr<curl_slist, FreeList>& list, const std::string& line) {
    if (curl_slist* longer = curl_slist_append(list.get(), line.c_str())) {
      static_cast<void>(list.release());
      list.reset(longer);
    }
  }
};

std::size_t keep_answer(char* bytes, std::size_t size, std::size_t count, void* context) {
  std::string& answer = static_cast<Transfer*>(context)->answer;
  answer.append(bytes, std::min(size * count, answer_kept - std::min(answer.size(), answer_kept)));
  return size * count;
}

std::size_t give_body(char* out, std::size_t size, std::size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  const std::size_t part = std::min(size * count, transfer.body.size() - transfer.sent);
  std::copy_n(transfer.body.begin() + static_cast<std::ptrdiff_t>(transfer.sent), part, out);
  transfer.sent += part;
  return part;
}

Expected<void> prepare_post(Transfer& transfer, const Delivery& delivery) {
  const Receiver& receiver = delivery.receiver;
  std::string url = receiver.url;
  transfer.add(transfer.headers, "Content-Type: application/json");
  transfer.add(transfer.headers, "Expect:");
  if (receiver.kind == ReceiverKind::alertmanager) {
    while (url.ends_with('/')) url.pop_back();
    url += "/api/v2/alerts";
    transfer.body = web::alertmanager_body(delivery);
  } else {
    transfer.body = web::webhook_body(delivery);
    const std::string at = std::to_string(to_ns(delivery.at) / 1'000'000'000);
    transfer.add(transfer.headers, "X-Sonde-Key: " + delivery.key);
    transfer.add(transfer.headers, "X-Sonde-Timestamp: " + at);
    if (receiver.secret_file) {
      const auto secret = secret_in(*receiver.secret_file);
      if (!secret) return std::unexpected(secret.error());
      transfer.add(transfer.headers, "X-Sonde-Signature: sha256=" + hmac_sha256(*secret, at + "." + transfer.body));
    }
  }
  CURL* curl = transfer.curl.get();
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(transfer.body.size()));
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, transfer.body.data());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, transfer.headers.get());
  return {};
}

Expected<void> prepare_mail(Transfer& transfer, const Delivery& delivery) {
  const Receiver& receiver = delivery.receiver;
  CURL* curl = transfer.curl.get();
  transfer.body = web::mail_text(delivery);
  for (const std::string& address : receiver.to) transfer.add(transfer.recipients, "<" + address + ">");
  curl_easy_setopt(curl, CURLOPT_URL, receiver.url.c_str());
  curl_easy_setopt(curl, CURLOPT_MAIL_FROM, ("<" + receiver.from + ">").c_str());
  curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, transfer.recipients.get());
  curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_body);
  curl_easy_setopt(curl, CURLOPT_READDATA, static_cast<void*>(&transfer));
  if (!receiver.user.empty()) {
    // A password never goes out in the clear.
    curl_easy_setopt(curl, CURLOPT_USE_SSL, static_cast<long>(CURLUSESSL_ALL));
    curl_easy_setopt(curl, CURLOPT_USERNAME, receiver.user.c_str());
    if (receiver.secret_file) {
      const auto secret = secret_in(*receiver.secret_file);
      if (!secret) return std::unexpected(secret.error());
      curl_easy_setopt(curl, CURLOPT_PASSWORD, secret->c_str());
    }
  }
  return {};
}

std::string trouble_of(const Transfer& transfer, CURLcode code) {
  if (code != CURLE_OK) return transfer.detail[0] != '\0' ? transfer.detail.data() : curl_easy_strerror(code);
  long status = 0;
  curl_easy_getinfo(transfer.curl.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status / 100 == 2) return {};
  return fmt::format("it answered {}: {}", status, transfer.answer);
}

}  // namespace

/// Lives on the thread.
class Notifier::Worker {
 public:
  explicit Worker(Notifier& owner) : owner_(owner), multi_(curl_multi_init()) {
    if (multi_ == nullptr) throw std::runtime_error("start libcurl: it has no memory");
  }
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  void run();

 private:
  struct Command {
    std::uint64_t number = 0;
    pid_t pid = -1;
    Clock::time_point limit;
  };

  void begin(const Delivery& delivery);
  void begin_transfer(const Delivery& delivery);
  void begin_command(const Delivery& delivery);
  void look_at_transfers();
  void look_at_commands();
  void report(std::uint64_t number, std::string trouble) {
    owner_.reports_.push({.number = number, .trouble = std::move(trouble)});
  }

  Notifier& owner_;
  std::unique_ptr<CURLM, FreeMulti> multi_;
  std::list<Transfer> transfers_;
  std::list<Command> commands_;
};

Notifier::Worker::~Worker() {
  for (Transfer& transfer : transfers_) curl_multi_remove_handle(multi_.get(), transfer.curl.get());
  for (const Command& command : commands_) {
    ::kill(-command.pid, SIGKILL);
    ::waitpid(command.pid, nullptr, 0);
  }
}

void Notifier::Worker::run() {
  for (;;) {
    curl_waitfd jobs{.fd = owner_.jobs_.fd(), .events = CURL_WAIT_POLLIN, .revents = 0};
    // A child's end wakes nobody here, so it is looked for.
    constexpr int idle_ms = 1000;
    constexpr int with_commands_ms = 50;
    curl_multi_poll(multi_.get(), &jobs, 1, commands_.empty() ? idle_ms : with_commands_ms, nullptr);
    for (const Delivery& delivery : owner_.jobs_.take_all()) {
      if (delivery.number == 0) return;
      begin(delivery);
    }
    int running = 0;
    curl_multi_perform(multi_.get(), &running);
    look_at_transfers();
    look_at_commands();
  }
}

void Notifier::Worker::begin(const Delivery& delivery) {
  if (delivery.receiver.kind == ReceiverKind::command)
    begin_command(delivery);
  else
    begin_transfer(delivery);
}

void Notifier::Worker::begin_transfer(const Delivery& delivery) {
  Transfer& transfer = transfers_.emplace_back();
  transfer.number = delivery.number;
  transfer.curl.reset(curl_easy_init());
  CURL* curl = transfer.curl.get();
  const bool mail = delivery.receiver.kind == ReceiverKind::mail;
  Expected<void> prepared = curl == nullptr ? fail("libcurl has no memory")
                            : mail          ? prepare_mail(transfer, delivery)
                                            : prepare_post(transfer, delivery);
  if (!prepared) {
    report(delivery.number, prepared.error().what);
    transfers_.pop_back();
    return;
  }
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, mail ? "smtp,smtps" : "http,https");
  if (const auto& trusted = delivery.receiver.ca_file) curl_easy_setopt(curl, CURLOPT_CAINFO, trusted->c_str());
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "sonde/" SONDE_VERSION);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, static_cast<long>(connect_limit.count()));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, static_cast<long>(whole_limit.count()));
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, transfer.detail.data());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep_answer);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, static_cast<void*>(&transfer));
  curl_easy_setopt(curl, CURLOPT_PRIVATE, static_cast<void*>(&transfer));
  curl_multi_add_handle(multi_.get(), curl);
}

void Notifier::Worker::look_at_transfers() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* curl = message->easy_handle;
    const CURLcode code = message->data.result;
    const auto done =
        std::ranges::find_if(transfers_, [&](const Transfer& transfer) { return transfer.curl.get() == curl; });
    if (done == transfers_.end()) continue;
    report(done->number, trouble_of(*done, code));
    curl_multi_remove_handle(multi_.get(), curl);
    transfers_.erase(done);
  }
}

/// The same JSON as a webhook's is on its standard input; a file in memory, so that nobody waits for its reader.
void Notifier::Worker::begin_command(const Delivery& delivery) {
  const std::string body = web::webhook_body(delivery);
  const Fd input(::memfd_create("sonde-incidents", MFD_CLOEXEC));
  if (!input || ::write(input.get(), body.data(), body.size()) != static_cast<ssize_t>(body.size()) ||
      ::lseek(input.get(), 0, SEEK_SET) != 0)
    return report(delivery.number, fmt::format("prepare its input: {}", std::strerror(errno)));
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_adddup2(&actions, input.get(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  sigset_t none;
  sigset_t defaults;
  ::sigemptyset(&none);
  ::sigfillset(&defaults);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::vector<std::string> words = delivery.receiver.argv;
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t pid = -1;
  const int failed = ::posix_spawnp(&pid, argv.front(), &actions, &attributes, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (failed != 0) return report(delivery.number, fmt::format("start {}: {}", words.front(), std::strerror(failed)));
  commands_.push_back({.number = delivery.number, .pid = pid, .limit = Clock::now() + whole_limit});
}

void Notifier::Worker::look_at_commands() {
  std::erase_if(commands_, [this](const Command& command) {
    int status = 0;
    if (::waitpid(command.pid, &status, WNOHANG) == command.pid) {
      const bool fine = WIFEXITED(status) && WEXITSTATUS(status) == 0;
      report(command.number, fine                ? std::string()
                             : WIFEXITED(status) ? fmt::format("it exited with {}", WEXITSTATUS(status))
                                                 : fmt::format("it was ended by signal {}", WTERMSIG(status)));
      return true;
    }
    if (Clock::now() < command.limit) return false;
    ::kill(-command.pid, SIGKILL);
    ::waitpid(command.pid, nullptr, 0);
    report(command.number, fmt::format("it still ran after {} s", whole_limit.count()));
    return true;
  });
}

Notifier::Notifier() {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  thread_ = std::thread([this] { Worker(*this).run(); });
}

Notifier::~Notifier() {
  jobs_.push(Delivery{});
  thread_.join();
}

bool Notifier::send(Delivery delivery) { return jobs_.push(std::move(delivery)); }

}  // namespace sonde::io
