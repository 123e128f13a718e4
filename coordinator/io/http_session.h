// One connection of the HTTP server. Private to this room: http_server.h is what others include.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/string_body.hpp>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>

#include "coordinator/io/http_server.h"

namespace sonde::io {

class HttpSession;

/// What all connections of a server share. Touched on the loop's thread only, but for the pool.
struct HttpShared {
  HttpShared(boost::asio::io_context& io, HttpServer::Handler h, const HttpLimits& l)
      : loop(io), handler(std::move(h)), limits(l) {}

  boost::asio::io_context& loop;
  HttpServer::Handler handler;
  HttpLimits limits;
  HttpCounters counters;
  boost::asio::thread_pool pool{1};
  std::size_t jobs = 0;  ///< given to the pool and not come back
  std::size_t refusing = 0;
  bool stopping = false;
  std::unordered_set<HttpSession*> sessions;
};

/// Lives as long as an operation of its own is under way.
class HttpSession : public std::enable_shared_from_this<HttpSession> {
 public:
  /// `refuse`: this is one connection too many; answer 503 and close.
  HttpSession(boost::asio::ip::tcp::socket socket, std::shared_ptr<HttpShared> shared, bool refuse);
  HttpSession(const HttpSession&) = delete;
  HttpSession& operator=(const HttpSession&) = delete;
  ~HttpSession();

  void start();
  /// Ends at once where no answer is under way, else after it.
  void stop();
  void cut();
  void publish(const web::Sources& sources, std::span<const Link> changed);

 private:
  using ErrorCode = boost::beast::error_code;
  using Stream = boost::beast::tcp_stream;
  template <typename Body>
  using Message = boost::beast::http::response<Body>;

  void await_request();
  void read_request();
  void on_request(ErrorCode error);
  void refuse_request(ErrorCode error);
  void dispatch();
  void respond(web::Response response);
  void respond_error(unsigned status, std::string_view what);

  template <typename Body>
  Message<Body> head_of(const web::Response& response);
  void send_text(const web::Response& response, std::string text);
  void send_head(const web::Response& response, std::size_t length);
  void write_on();
  void after_answer();

  void defer(web::Deferred deferred);
  void begin_pieces(web::Response response);
  void pull();
  void on_piece(std::optional<std::string> piece, bool failed);
  void send_stream_head(std::function<void()> then);
  void send_piece(std::string piece, std::function<void()> then);
  void send_last_piece();

  void begin_events(web::Response response);
  void watch_for_close();
  void send_events();

  void close_gently();
  void drain();

  Stream stream_;
  std::shared_ptr<HttpShared> shared_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  bool refuse_ = false;
  bool waiting_ = false;  ///< between requests
  bool keep_alive_ = false;
  bool head_only_ = false;
  unsigned version_ = 11;

  std::optional<Message<boost::beast::http::string_body>> message_;
  std::optional<boost::beast::http::response_serializer<boost::beast::http::string_body>> serializer_;

  web::Response streamed_;  ///< status and headers of a stream
  std::optional<Message<boost::beast::http::empty_body>> stream_head_;
  std::optional<boost::beast::http::response_serializer<boost::beast::http::empty_body>> head_serializer_;
  web::PieceSource source_;
  std::string piece_;
  bool stream_begun_ = false;

  std::optional<web::EventStream> events_;
  std::string outbox_;
  bool writing_ = false;
  std::array<char, 512> scratch_{};
  std::size_t drained_ = 0;
};

}  // namespace sonde::io
