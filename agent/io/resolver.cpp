#include "agent/io/resolver.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "agent/io/mailbox_watch.h"
#include "shared/io/clock.h"

namespace sonde::io {
namespace {

struct Question {
  std::uint64_t id = 0;
  std::string name;
  std::optional<IpAddress> address;  ///< a reverse look-up; then the name is for people
};
struct Answer {
  std::uint64_t id = 0;
  Resolution resolution;
};

/// What the workers share with the loop; it outlives both.
struct Shared {
  std::mutex mutex;
  std::condition_variable more;
  std::deque<Question> questions;
  bool stopped = false;
  std::shared_ptr<Mailbox<Answer>> answers = std::make_shared<Mailbox<Answer>>(Resolver::max_pending + 16);
};

IpAddress address_of(const addrinfo& info) {
  IpAddress address;
  if (info.ai_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, info.ai_addr, sizeof v4);
    std::memcpy(address.octets.data(), &v4.sin_addr, 4);
    return address;
  }
  sockaddr_in6 v6;
  std::memcpy(&v6, info.ai_addr, sizeof v6);
  address.family = IpAddress::Family::v6;
  std::memcpy(address.octets.data(), &v6.sin6_addr, 16);
  return address;
}

Resolution look_up(const std::string& name) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  const MonoTime began = read_clock().mono;
  const int error = ::getaddrinfo(name.c_str(), nullptr, &hints, &list);
  Resolution resolution;
  resolution.took = read_clock().mono - began;
  if (error != 0) {
    resolution.reason = fmt::format("{}: {}", name, ::gai_strerror(error));
    return resolution;
  }
  for (const addrinfo* i = list; i != nullptr; i = i->ai_next)
    if (i->ai_family == AF_INET || i->ai_family == AF_INET6) resolution.addresses.push_back(address_of(*i));
  ::freeaddrinfo(list);
  if (resolution.addresses.empty()) resolution.reason = name + ": no address";
  return resolution;
}

Resolution look_up_reverse(const std::string& text, const IpAddress& address) {
  union {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  } raw;
  std::memset(&raw, 0, sizeof raw);
  const bool is_v4 = address.family == IpAddress::Family::v4;
  raw.any.sa_family = is_v4 ? AF_INET : AF_INET6;
  if (is_v4)
    std::memcpy(&raw.v4.sin_addr, address.octets.data(), 4);
  else
    std::memcpy(&raw.v6.sin6_addr, address.octets.data(), 16);
  std::array<char, NI_MAXHOST> host{};
  const socklen_t size = is_v4 ? sizeof raw.v4 : sizeof raw.v6;
  const MonoTime began = read_clock().mono;
  const int error = ::getnameinfo(&raw.any, size, host.data(), host.size(), nullptr, 0, NI_NAMEREQD);
  Resolution resolution;
  resolution.took = read_clock().mono - began;
  if (error != 0)
    resolution.reason = fmt::format("{}: {}", text, ::gai_strerror(error));
  else
    resolution.host = host.data();
  return resolution;
}

void work(const std::shared_ptr<Shared>& shared) {
  while (true) {
    Question question;
    {
      std::unique_lock lock(shared->mutex);
      shared->more.wait(lock, [&] { return shared->stopped || !shared->questions.empty(); });
      if (shared->stopped) return;
      question = std::move(shared->questions.front());
      shared->questions.pop_front();
    }
    shared->answers->push(
        {question.id, question.address ? look_up_reverse(question.name, *question.address) : look_up(question.name)});
  }
}

}  // namespace

class Resolver::Impl {
 public:
  explicit Impl(boost::asio::io_context& loop)
      : loop_(loop), watch_(loop, shared_->answers, [this](Answer a) { settle(a.id, std::move(a.resolution)); }) {}

  ~Impl() {
    const std::lock_guard lock(shared_->mutex);
    shared_->stopped = true;
    shared_->more.notify_all();
  }

  void ask(std::string name, const std::optional<IpAddress>& address, nanoseconds timeout, Handler handler) {
    const std::uint64_t id = ++last_id_;
    auto& waiting = waiting_.try_emplace(id, loop_).first->second;
    waiting.handler = std::move(handler);
    const bool full = waiting_.size() > max_pending;
    waiting.timer.expires_after(full ? nanoseconds{0} : timeout);
    waiting.timer.async_wait([this, id, name, full](const boost::system::error_code& error) {
      if (!error) settle(id, {{}, {}, {}, name + (full ? ": too many look-ups at once" : ": no answer in time")});
    });
    if (full) return;
    start_workers();
    const std::lock_guard lock(shared_->mutex);
    shared_->questions.push_back({id, std::move(name), address});
    shared_->more.notify_one();
  }

 private:
  struct Waiting {
    explicit Waiting(boost::asio::io_context& loop) : timer(loop) {}
    boost::asio::steady_timer timer;
    Handler handler;
  };

  void start_workers() {
    if (started_) return;
    started_ = true;
    for (std::size_t i = 0; i < workers; ++i) std::thread([shared = shared_] { work(shared); }).detach();
  }

  void settle(std::uint64_t id, Resolution resolution) {
    auto node = waiting_.extract(id);
    if (node.empty()) return;  // it came after its time-out
    {
      // Nobody waits for it any more: spare the workers what they have not begun.
      const std::lock_guard lock(shared_->mutex);
      std::erase_if(shared_->questions, [id](const Question& q) { return q.id == id; });
    }
    node.mapped().handler(std::move(resolution));
  }

  boost::asio::io_context& loop_;
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  std::map<std::uint64_t, Waiting> waiting_;
  std::uint64_t last_id_ = 0;
  bool started_ = false;
  MailboxWatch<Answer> watch_;
};

Resolver::Resolver(boost::asio::io_context& loop) : impl_(std::make_unique<Impl>(loop)) {}
Resolver::~Resolver() = default;

void Resolver::resolve(std::string name, nanoseconds timeout, Handler handler) {
  impl_->ask(std::move(name), std::nullopt, timeout, std::move(handler));
}
void Resolver::reverse(const IpAddress& address, nanoseconds timeout, Handler handler) {
  impl_->ask(address.str(), address, timeout, std::move(handler));
}

}  // namespace sonde::io
