#include "coordinator/io/http_session.h"

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/chunk_encode.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

#include <exception>
#include <utility>

#include "coordinator/web/response.h"

namespace sonde::io {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace net = boost::asio;

/// What a client may still send after the last answer before nobody listens any more.
constexpr std::size_t drain_limit = 1U << 20;
constexpr std::size_t first_read_bytes = 4096;

bool is_http_error(const beast::error_code& error) {
  return error.category() == http::make_error_code(http::error::bad_method).category();
}

std::string_view view(const beast::string_view& text) { return {text.data(), text.size()}; }

}  // namespace

HttpSession::HttpSession(net::ip::tcp::socket socket, std::shared_ptr<HttpShared> shared, bool refuse)
    : stream_(std::move(socket)),
      shared_(std::move(shared)),
      buffer_(shared_->limits.header_bytes + shared_->limits.body_bytes + first_read_bytes),
      refuse_(refuse) {
  shared_->sessions.insert(this);
  if (refuse_) ++shared_->refusing;
}

HttpSession::~HttpSession() {
  shared_->sessions.erase(this);
  if (refuse_) --shared_->refusing;
}

void HttpSession::start() {
  ErrorCode ignored;
  stream_.socket().set_option(net::ip::tcp::no_delay(true), ignored);
  await_request();
}

void HttpSession::stop() {
  keep_alive_ = false;
  if (waiting_ || events_) cut();
}

void HttpSession::cut() {
  ErrorCode ignored;
  stream_.socket().close(ignored);
}

void HttpSession::await_request() {
  if (buffer_.size() > 0) return read_request();
  waiting_ = true;
  stream_.expires_after(shared_->limits.idle);
  stream_.async_read_some(buffer_.prepare(first_read_bytes),
                          [self = shared_from_this()](ErrorCode error, std::size_t bytes) {
                            self->waiting_ = false;
                            if (error) return self->cut();
                            self->buffer_.commit(bytes);
                            self->read_request();
                          });
}

void HttpSession::read_request() {
  parser_.emplace();
  parser_->header_limit(shared_->limits.header_bytes);
  parser_->body_limit(shared_->limits.body_bytes);
  stream_.expires_after(shared_->limits.request);
  http::async_read(stream_, buffer_, *parser_,
                   [self = shared_from_this()](ErrorCode error, std::size_t /*bytes*/) { self->on_request(error); });
}

void HttpSession::on_request(ErrorCode error) {
  if (error == http::error::end_of_stream || (error && !is_http_error(error))) return cut();
  version_ = parser_->get().version() >= 11 ? 11 : 10;
  head_only_ = false;
  keep_alive_ = false;
  if (error) return refuse_request(error);
  if (refuse_) return respond_error(503, "too many connections; close one or try again later");
  ++shared_->counters.requests;
  keep_alive_ = parser_->get().keep_alive() && !shared_->stopping;
  head_only_ = parser_->get().method() == http::verb::head;
  dispatch();
}

void HttpSession::refuse_request(ErrorCode error) {
  ++shared_->counters.malformed_requests;
  if (error == http::error::header_limit) return respond_error(431, "the request's headers are too large");
  if (error == http::error::body_limit) return respond_error(413, "the request's body is too large");
  if (error == http::error::partial_message) return cut();
  respond_error(400, "this is not an HTTP/1.1 request: " + error.message());
}

void HttpSession::dispatch() {
  const auto& message = parser_->get();
  if (message.version() >= 11 && message.find(http::field::host) == message.end())
    return respond_error(400, "the Host header is missing");
  const web::Request request{std::string(view(message.method_string())), std::string(view(message.target())),
                             std::string(view(message[http::field::if_none_match])),
                             std::string(view(message[http::field::authorization])), message.body()};
  try {
    respond(shared_->handler(request));
  } catch (const std::exception&) {
    ++shared_->counters.handler_failures;
    respond_error(500, "this request failed inside the coordinator; its log may say more");
  }
}

void HttpSession::respond_error(unsigned status, std::string_view what) { respond(web::error_response(status, what)); }

void HttpSession::respond(web::Response response) {
  if (auto* deferred = std::get_if<web::Deferred>(&response.body)) return defer(std::move(*deferred));
  if (auto* text = std::get_if<std::string>(&response.body)) {
    std::string body = std::move(*text);
    return head_only_ ? send_head(response, body.size()) : send_text(response, std::move(body));
  }
  if (std::holds_alternative<web::PieceSource>(response.body)) return begin_pieces(std::move(response));
  begin_events(std::move(response));
}

template <typename Body>
HttpSession::Message<Body> HttpSession::head_of(const web::Response& response) {
  Message<Body> message(http::int_to_status(response.status), version_);
  for (const auto& [name, value] : response.headers) message.insert(name, value);
  if (response.status != 304) message.set(http::field::content_type, response.content_type);
  message.keep_alive(keep_alive_);
  return message;
}

void HttpSession::send_text(const web::Response& response, std::string text) {
  message_ = head_of<http::string_body>(response);
  message_->body() = std::move(text);
  if (response.status != 304) message_->prepare_payload();
  serializer_.emplace(*message_);
  write_on();
}

/// The answer to HEAD: as GET would have it, without the body.
void HttpSession::send_head(const web::Response& response, std::size_t length) {
  message_ = head_of<http::string_body>(response);
  if (response.status != 304) message_->content_length(length);
  serializer_.emplace(*message_);
  serializer_->split(true);
  stream_.expires_after(shared_->limits.write);
  http::async_write_header(stream_, *serializer_, [self = shared_from_this()](ErrorCode error, std::size_t /*bytes*/) {
    if (error) return self->cut();
    self->after_answer();
  });
}

/// Piece by piece, so that the time limit is one on progress and not on size.
void HttpSession::write_on() {
  stream_.expires_after(shared_->limits.write);
  http::async_write_some(stream_, *serializer_, [self = shared_from_this()](ErrorCode error, std::size_t /*bytes*/) {
    if (error) {
      if (error == beast::error::timeout) ++self->shared_->counters.slow_clients;
      return self->cut();
    }
    return self->serializer_->is_done() ? self->after_answer() : self->write_on();
  });
}

void HttpSession::after_answer() {
  serializer_.reset();
  message_.reset();
  parser_.reset();
  if (!keep_alive_ || shared_->stopping) return close_gently();
  await_request();
}

void HttpSession::defer(web::Deferred deferred) {
  if (shared_->jobs >= shared_->limits.jobs)
    return respond_error(503, "too many questions about the past wait already");
  ++shared_->jobs;
  net::post(shared_->pool, [self = shared_from_this(), deferred = std::move(deferred)]() mutable {
    std::optional<web::Response> response;
    try {
      response = deferred();
    } catch (const std::exception& failure) {
      response = web::error_response(500, failure.what());
    }
    net::io_context& loop = self->shared_->loop;
    net::post(loop, [self = std::move(self), response = std::move(*response)]() mutable {
      --self->shared_->jobs;
      if (response.status == 500) ++self->shared_->counters.handler_failures;
      self->respond(std::move(response));
    });
  });
}

void HttpSession::begin_pieces(web::Response response) {
  source_ = std::move(std::get<web::PieceSource>(response.body));
  streamed_ = std::move(response);
  stream_begun_ = false;
  if (version_ < 11) keep_alive_ = false;
  if (head_only_) return send_stream_head([this] { after_answer(); });
  pull();
}

/// The worker moves its reference back with the result, so that a session ends on the loop's thread only.
void HttpSession::pull() {
  if (!stream_begun_ && shared_->jobs >= shared_->limits.jobs)
    return respond_error(503, "too many questions about the past wait already");
  ++shared_->jobs;
  net::post(shared_->pool, [self = shared_from_this()]() mutable {
    std::optional<std::string> piece;
    bool failed = false;
    try {
      piece = self->source_();
    } catch (const std::exception&) {
      failed = true;
    }
    net::io_context& loop = self->shared_->loop;
    net::post(loop, [self = std::move(self), piece = std::move(piece), failed]() mutable {
      --self->shared_->jobs;
      self->on_piece(std::move(piece), failed);
    });
  });
}

void HttpSession::on_piece(std::optional<std::string> piece, bool failed) {
  if (shared_->stopping) return cut();
  if (failed) {
    ++shared_->counters.handler_failures;
    return stream_begun_ ? cut() : respond_error(500, "the store failed; the coordinator's log may say more");
  }
  auto send = [this, piece = std::move(piece)]() mutable {
    if (!piece) return send_last_piece();
    send_piece(std::move(*piece), [this] { pull(); });
  };
  if (std::exchange(stream_begun_, true)) return send();
  send_stream_head(std::move(send));
}

/// `then` runs while a reference to this session is held.
void HttpSession::send_stream_head(std::function<void()> then) {
  stream_head_ = head_of<http::empty_body>(streamed_);
  if (version_ >= 11) stream_head_->chunked(true);
  head_serializer_.emplace(*stream_head_);
  stream_.expires_after(shared_->limits.write);
  http::async_write_header(stream_, *head_serializer_,
                           [self = shared_from_this(), then = std::move(then)](ErrorCode error, std::size_t /*bytes*/) {
                             if (error) return self->cut();
                             then();
                           });
}

void HttpSession::send_piece(std::string piece, std::function<void()> then) {
  piece_ = std::move(piece);
  if (piece_.empty()) return then();
  auto done = [self = shared_from_this(), then = std::move(then)](ErrorCode error, std::size_t /*bytes*/) {
    if (error) {
      if (error == beast::error::timeout) ++self->shared_->counters.slow_clients;
      return self->cut();
    }
    then();
  };
  stream_.expires_after(shared_->limits.write);
  if (version_ >= 11)
    net::async_write(stream_, http::make_chunk(net::buffer(piece_)), std::move(done));
  else
    net::async_write(stream_, net::buffer(piece_), std::move(done));
}

void HttpSession::send_last_piece() {
  source_ = nullptr;
  if (version_ < 11) return after_answer();
  stream_.expires_after(shared_->limits.write);
  net::async_write(stream_, http::make_chunk_last(),
                   [self = shared_from_this()](ErrorCode error, std::size_t /*bytes*/) {
                     if (error) return self->cut();
                     self->after_answer();
                   });
}

void HttpSession::begin_events(web::Response response) {
  auto body = std::move(std::get<web::EventBody>(response.body));
  keep_alive_ = false;
  streamed_ = std::move(response);
  if (head_only_) return send_stream_head([this] { after_answer(); });
  send_stream_head([this, body = std::make_shared<web::EventBody>(std::move(body))] {
    events_ = std::move(body->stream);
    outbox_ += body->first;
    if (shared_->stopping) return cut();
    stream_.expires_never();
    watch_for_close();
    send_events();
  });
}

/// A client of a stream says nothing more; reading is how its end is noticed.
void HttpSession::watch_for_close() {
  stream_.async_read_some(net::buffer(scratch_), [self = shared_from_this()](ErrorCode error, std::size_t bytes) {
    self->drained_ += bytes;
    if (error || self->drained_ > drain_limit) return self->cut();
    self->watch_for_close();
  });
}

void HttpSession::publish(const web::Sources& sources, std::span<const Link> changed) {
  if (!events_) return;
  outbox_ += events_->update(sources, changed);
  if (outbox_.size() > shared_->limits.event_bytes) {
    ++shared_->counters.slow_clients;
    return cut();
  }
  send_events();
}

void HttpSession::send_events() {
  if (writing_ || outbox_.empty()) return;
  writing_ = true;
  send_piece(std::exchange(outbox_, {}), [this] {
    writing_ = false;
    send_events();
  });
}

/// Closing with unread input would reset the connection and take the answer away from the client.
void HttpSession::close_gently() {
  ErrorCode ignored;
  stream_.socket().shutdown(net::ip::tcp::socket::shutdown_send, ignored);
  stream_.expires_after(shared_->limits.linger);
  drain();
}

void HttpSession::drain() {
  waiting_ = true;
  stream_.async_read_some(net::buffer(scratch_), [self = shared_from_this()](ErrorCode error, std::size_t bytes) {
    self->drained_ += bytes;
    if (error || self->drained_ > drain_limit) return self->cut();
    self->drain();
  });
}

}  // namespace sonde::io
