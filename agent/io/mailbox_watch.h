// Hands what a thread puts into a Mailbox to a function on the event loop.
#pragma once

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <functional>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "shared/io/mailbox.h"

namespace sonde::io {

/// Lives and is destroyed on the loop's thread; after destruction the function is never called again.
template <typename T>
class MailboxWatch {
 public:
  MailboxWatch(boost::asio::io_context& loop, std::shared_ptr<Mailbox<T>> box, std::function<void(T)> take)
      : state_(std::make_shared<State>(loop, std::move(box), std::move(take))) {
    wait(state_);
  }
  ~MailboxWatch() {
    state_->take = nullptr;
    state_->descriptor.close();
  }
  MailboxWatch(const MailboxWatch&) = delete;
  MailboxWatch& operator=(const MailboxWatch&) = delete;

 private:
  struct State {
    State(boost::asio::io_context& loop, std::shared_ptr<Mailbox<T>> mailbox, std::function<void(T)> function)
        : box(std::move(mailbox)), take(std::move(function)), descriptor(loop) {
      const int copy = ::dup(box->fd());  // the descriptor closes its own copy
      if (copy < 0) throw std::system_error(errno, std::generic_category(), "watch a mailbox");
      descriptor.assign(copy);
    }
    std::shared_ptr<Mailbox<T>> box;
    std::function<void(T)> take;
    boost::asio::posix::stream_descriptor descriptor;
  };

  static void wait(const std::shared_ptr<State>& state) {
    state->descriptor.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                                 [state](const boost::system::error_code& error) {
                                   if (error) return;
                                   for (T& value : state->box->take_all()) {
                                     if (!state->take) return;
                                     state->take(std::move(value));
                                   }
                                   if (state->take) wait(state);
                                 });
  }

  std::shared_ptr<State> state_;
};

}  // namespace sonde::io
