#include "tests/bench/transfer_rig.h"

#include <fcntl.h>
#include <sched.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <future>
#include <system_error>
#include <thread>

#include "agent/io/transfer_path.h"
#include "shared/io/clock.h"
#include "shared/io/fd.h"

namespace sonde::bench {
namespace {

const SiteId name_a = SiteId::known("a");
const SiteId name_b = SiteId::known("b");

void enter(const std::string& netns) {
  const io::Fd there(::open(("/run/netns/" + netns).c_str(), O_RDONLY | O_CLOEXEC));
  if (!there || ::setns(there.get(), CLONE_NEWNET) != 0)
    throw std::system_error(errno, std::generic_category(), "enter " + netns);
}

}  // namespace

/// Everything of it lives on its thread; its threads begin in the same namespace.
class TransferRig::Site {
 public:
  Site(SiteId self, const RigEnd& end, IpAddress far) {
    std::promise<void> ready;
    thread_ = std::jthread([&, this] {
      try {
        enter(end.netns);
        resolver_ = std::make_unique<io::Resolver>(loop_);
        port_ = std::make_unique<io::TcpPort>(loop_, Endpoint{IpAddress::parse(end.address).value(), 0});
        port_->set_members({far});
        path_ = std::make_unique<io::TransferPath>(loop_, self, *port_, *resolver_, effects(self));
      } catch (...) {
        return ready.set_exception(std::current_exception());
      }
      ready.set_value();
      loop_.run();
      path_.reset();
      port_.reset();
      resolver_.reset();
      loop_.restart();
      loop_.poll();
    });
    ready.get_future().get();
  }
  ~Site() { loop_.stop(); }

  std::uint16_t port() const { return port_->local_endpoint().port; }

  Site* other_ = nullptr;

  std::future<Result> start(ThroughputOrder order) {
    result_ = {};
    auto future = result_.get_future();
    boost::asio::post(loop_, [this, order] { path_->start(order); });
    return future;
  }

 private:
  io::TransferPath::Effects effects(const SiteId& self) {
    return {.send =
                [this, self](const SiteId&, wire::Message message) {
                  boost::asio::post(other_->loop_,
                                    [far = other_, self, message] { far->path_->on_peer_message(self, message); });
                },
            .result = [this](Result result) { result_.set_value(std::move(result)); }};
  }

  boost::asio::io_context loop_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{loop_.get_executor()};
  std::unique_ptr<io::Resolver> resolver_;
  std::unique_ptr<io::TcpPort> port_;
  std::unique_ptr<io::TransferPath> path_;
  std::promise<Result> result_;
  std::jthread thread_;
};

TransferRig::TransferRig(const RigEnd& a, const RigEnd& b)
    : a_(std::make_unique<Site>(name_a, a, IpAddress::parse(b.address).value())),
      b_(std::make_unique<Site>(name_b, b, IpAddress::parse(a.address).value())) {
  a_->other_ = b_.get();
  b_->other_ = a_.get();
  address_b_ = b.address;
}
TransferRig::~TransferRig() = default;

Result TransferRig::run(ThroughputOrder order) {
  order.link = {name_a, name_b};
  order.addresses = {address_b_};
  order.port = b_->port();
  order.slot_end = io::read_clock().mono + order.max_duration + std::chrono::minutes(1);
  return a_->start(order).get();
}

}  // namespace sonde::bench
