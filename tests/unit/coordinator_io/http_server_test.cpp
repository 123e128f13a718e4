#include "coordinator/io/http_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <functional>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "coordinator/web/api.h"
#include "coordinator/web/sources.h"

using namespace sonde;
using namespace sonde::io;
using namespace std::chrono_literals;

namespace {

/// A client that says exactly the bytes it is told to. A read that takes longer than 10 s fails the test.
class Client {
 public:
  explicit Client(std::uint16_t port, int receive_buffer = 0) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer > 0) ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    const timeval limit{10, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    BOOST_REQUIRE(::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }

  void send(std::string_view bytes) { ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL); }

  /// Everything until `end` appears (it included), or until the server closes.
  std::string read_until(std::string_view end) {
    while (true) {
      if (const auto at = held_.find(end); at != std::string::npos) {
        std::string text = held_.substr(0, at + end.size());
        held_.erase(0, text.size());
        return text;
      }
      if (!receive()) return std::exchange(held_, {});
    }
  }
  std::string read_bytes(std::size_t count) {
    while (held_.size() < count && receive()) {
    }
    std::string text = held_.substr(0, count);
    held_.erase(0, text.size());
    return text;
  }
  std::string read_all() {
    while (receive()) {
    }
    return std::exchange(held_, {});
  }
  bool closed() { return read_all().empty() && closed_; }

  /// Status and body of one answer with a Content-Length.
  std::pair<int, std::string> answer() {
    const std::string head = read_until("\r\n\r\n");
    if (!head.starts_with("HTTP/1.1 ")) return {0, head};
    const auto at = head.find("Content-Length: ");
    const std::size_t length = at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
    return {std::stoi(head.substr(9, 3)), read_bytes(length)};
  }
  std::pair<int, std::string> get(const std::string& path) {
    send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
    return answer();
  }
  void reset() {
    const linger hard{1, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    fd_.reset();
  }

 private:
  bool receive() {
    char some[16384];
    const auto got = ::recv(fd_.get(), some, sizeof some, 0);
    if (got > 0) held_.append(some, static_cast<std::size_t>(got));
    if (got == 0 || (got < 0 && errno == ECONNRESET)) closed_ = true;
    return got > 0;
  }

  Fd fd_;
  std::string held_;
  bool closed_ = false;
};

/// A server with short limits on a loop of its own.
class Server {
 public:
  static HttpLimits limits() {
    HttpLimits limits;
    limits.connections = 8;
    limits.refused_connections = 2;
    limits.event_bytes = 1U << 20;
    limits.idle = 400ms;
    limits.request = 400ms;
    limits.linger = 200ms;
    return limits;
  }

  explicit Server(HttpLimits limits = Server::limits())
      : server_(
            std::in_place, loop_, Endpoint{*IpAddress::parse("127.0.0.1"), 0},
            [this](const web::Request& request) { return answer(request); }, limits),
        port_(server_->port()),
        thread_([this] { loop_.run(); }) {}
  ~Server() {
    on_loop([this] { server_.reset(); });
    guard_.reset();
    thread_.join();
  }

  std::uint16_t port() const { return port_; }
  HttpCounters counters() {
    HttpCounters counters;
    on_loop([&] { counters = server_->counters(); });
    return counters;
  }
  std::size_t connections() {
    std::size_t connections = 0;
    on_loop([&] { connections = server_->connections(); });
    return connections;
  }
  void stop() {
    on_loop([this] { server_->stop(); });
  }
  void publish() {
    on_loop([this] {
      mono_ += 10s;  // so that the stream has something to say
      server_->publish(sources(), {});
    });
  }
  /// For what the loop gets to soon, but not at once.
  template <typename Condition>
  bool soon(const Condition& condition) {
    for (int i = 0; i < 500; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(10ms);
    }
    return false;
  }
  void still_works() {
    Client client(port_);
    const auto [status, body] = client.get("/echo");
    BOOST_TEST(status == 200);
    BOOST_TEST(body == "/echo");
  }

  std::atomic<int> pieces{0};

 private:
  web::Sources sources() {
    return {mesh_, timetable_, matrix_, agents_, counters_, nullptr, now_, mono_, true, true, "test"};
  }

  void on_loop(const std::function<void()>& work) {
    std::promise<void> done;
    boost::asio::post(loop_, [&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

  web::Response answer(const web::Request& request) {
    web::Response response;
    response.content_type = "text/plain";
    response.headers.emplace_back("X-Test", "yes");
    if (request.target == "/throw") throw std::runtime_error("broken");
    if (request.target == "/large") {
      response.body = std::string(20'000'000, 'x');
    } else if (request.target == "/events") {
      mesh_.name = std::string(100'000, 'm');
      response.body = web::EventBody{web::EventStream(CellQuery{}), "event: first\ndata: {}\n\n"};
    } else if (request.target == "/deferred") {
      response.body = web::Deferred([] {
        web::Response late;
        late.body = "late";
        return late;
      });
    } else if (request.target == "/deferred-throw") {
      response.body = web::Deferred([]() -> web::Response { throw std::runtime_error("store is gone"); });
    } else if (request.target == "/pieces" || request.target == "/endless" || request.target == "/broken" ||
               request.target == "/broken-at-once") {
      response.body = web::PieceSource([this, what = request.target, n = 0]() mutable -> std::optional<std::string> {
        ++pieces;
        if (what == "/broken-at-once" || (what == "/broken" && n == 2)) throw std::runtime_error("disk");
        if (what == "/pieces" && n == 3) return std::nullopt;
        ++n;
        return what == "/endless" ? std::string(100'000, 'x') : "line " + std::to_string(n) + "\n";
      });
    } else {
      response.body = request.target;
    }
    return response;
  }

  boost::asio::io_context loop_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_{loop_.get_executor()};
  Mesh mesh_;
  Timetable timetable_;
  Matrix matrix_;
  AgentStatuses agents_;
  web::Counters counters_;
  SharedTime now_;
  MonoTime mono_;
  std::optional<HttpServer> server_;
  std::uint16_t port_;
  std::thread thread_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(http_server)

BOOST_AUTO_TEST_CASE(a_connection_is_kept_for_further_requests) {
  Server server;
  Client client(server.port());
  for (int i = 0; i < 3; ++i) {
    const auto [status, body] = client.get("/echo?i=" + std::to_string(i));
    BOOST_TEST(status == 200);
    BOOST_TEST(body == "/echo?i=" + std::to_string(i));
  }
  BOOST_TEST(server.counters().requests == 3U);
  BOOST_TEST(server.counters().connections == 1U);
}

BOOST_AUTO_TEST_CASE(pipelined_requests_are_answered_in_order) {
  Server server;
  Client client(server.port());
  std::string all;
  for (const char* path : {"/1", "/deferred", "/pieces", "/4"})
    all += "GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n\r\n";
  client.send(all);
  BOOST_TEST(client.answer().second == "/1");
  BOOST_TEST(client.answer().second == "late");
  const std::string pieces = client.read_until("0\r\n\r\n");
  BOOST_TEST(pieces.find("Transfer-Encoding: chunked") != std::string::npos);
  BOOST_TEST(client.answer().second == "/4");
}

BOOST_AUTO_TEST_CASE(head_has_the_headers_without_the_body) {
  Server server;
  Client client(server.port());
  client.send("HEAD /echo HTTP/1.1\r\nHost: x\r\n\r\nHEAD /pieces HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string head = client.read_until("\r\n\r\n");
  BOOST_TEST(head.find("Content-Length: 5\r\n") != std::string::npos);
  BOOST_TEST(head.find("X-Test: yes\r\n") != std::string::npos);
  BOOST_TEST(client.read_until("\r\n\r\n").starts_with("HTTP/1.1 200"));
  BOOST_TEST(server.pieces == 0);
  BOOST_TEST(client.get("/next").second == "/next");
}

BOOST_AUTO_TEST_CASE(http_1_0_gets_its_answer_and_the_end) {
  Server server;
  Client client(server.port());
  client.send("GET /pieces HTTP/1.0\r\n\r\n");
  const std::string all = client.read_all();
  BOOST_TEST(all.find("chunked") == std::string::npos);
  BOOST_TEST(all.ends_with("\r\n\r\nline 1\nline 2\nline 3\n"));
}

BOOST_AUTO_TEST_CASE(garbage_is_refused_and_nothing_else_happens) {
  Server server;
  for (const std::string& garbage :
       {std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11), std::string("GET\r\n\r\n"),
        std::string("GET / HTTP/9.9\r\n\r\n"), std::string("\0\0\0\0\r\n\r\n", 8),
        std::string("GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n"), std::string("GET / HTTP/1.1\r\n\r\n"),
        std::string("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")}) {
    Client client(server.port());
    client.send(garbage);
    const auto [status, body] = client.answer();
    BOOST_TEST(status == 400);
    BOOST_TEST(body.starts_with("{\"error\":"));
    BOOST_TEST(client.closed());
  }
  server.still_works();
  BOOST_TEST(server.counters().malformed_requests == 6U);
}

BOOST_AUTO_TEST_CASE(headers_and_bodies_over_their_limit_are_refused) {
  Server server;
  Client header(server.port());
  header.send("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(9000, 'a') + "\r\n\r\n");
  BOOST_TEST(header.answer().first == 431);
  Client body(server.port());
  body.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n");
  BOOST_TEST(body.answer().first == 413);
  Client chunks(server.port());
  std::string chunked = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 20; ++i) chunked += "1000\r\n" + std::string(4096, 'b') + "\r\n";
  chunks.send(chunked);
  BOOST_TEST(chunks.answer().first == 413);
  server.still_works();
}

BOOST_AUTO_TEST_CASE(a_client_that_does_not_finish_its_request_is_let_go) {
  Server server;
  Client silent(server.port());
  Client loris(server.port());
  loris.send("GET / HTTP/1.1\r\n");
  for (int i = 0; i < 3; ++i) {
    std::this_thread::sleep_for(50ms);
    loris.send("X: y\r\n");
  }
  BOOST_TEST(loris.closed());
  BOOST_TEST(silent.closed());
  BOOST_TEST(server.soon([&] { return server.connections() == 0; }));
  server.still_works();
}

BOOST_AUTO_TEST_CASE(one_connection_too_many_is_told_so) {
  HttpLimits limits = Server::limits();
  limits.idle = 60s;
  Server server(limits);
  std::vector<Client> clients;
  for (std::size_t i = 0; i < limits.connections; ++i) clients.emplace_back(server.port());
  for (Client& client : clients) BOOST_TEST(client.get("/echo").first == 200);
  {
    Client refused(server.port());
    const auto [status, body] = refused.get("/echo");
    BOOST_TEST(status == 503);
    BOOST_TEST(body == R"({"error":"too many connections; close one or try again later"})");
    BOOST_TEST(refused.closed());
  }
  BOOST_TEST(server.counters().refused_connections == 1U);
  clients.clear();
  BOOST_TEST(server.soon([&] { return server.connections() == 0; }));
  server.still_works();
}

BOOST_AUTO_TEST_CASE(clients_that_go_away_in_the_middle_end_only_themselves) {
  Server server;
  for (const char* path : {"/echo", "/large", "/endless", "/events", "/deferred"}) {
    Client client(server.port());
    client.send("GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n\r\n");
    client.read_bytes(10);
    client.reset();
  }
  Client half(server.port());
  half.send("GET / HT");
  half.reset();
  BOOST_TEST(server.soon([&] { return server.connections() == 0; }));
  server.still_works();
}

BOOST_AUTO_TEST_CASE(a_failure_of_ours_is_a_500_and_counted) {
  Server server;
  Client client(server.port());
  BOOST_TEST(client.get("/throw").first == 500);
  const auto [status, body] = client.get("/deferred-throw");
  BOOST_TEST(status == 500);
  BOOST_TEST(body == R"({"error":"store is gone"})");
  BOOST_TEST(client.get("/broken-at-once").first == 500);
  BOOST_TEST(client.get("/echo").first == 200);
  BOOST_TEST(server.counters().handler_failures == 3U);
}

BOOST_AUTO_TEST_CASE(a_stream_that_breaks_is_cut_so_that_the_client_sees_it) {
  Server server;
  Client client(server.port());
  client.send("GET /broken HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string all = client.read_all();
  BOOST_TEST(all.find("line 2\n") != std::string::npos);
  BOOST_TEST(!all.ends_with("0\r\n\r\n"));
}

BOOST_AUTO_TEST_CASE(a_slow_reader_holds_a_bounded_number_of_pieces) {
  HttpLimits limits = Server::limits();
  limits.write = 300ms;
  Server server(limits);
  Client client(server.port(), 4096);
  client.send("GET /endless HTTP/1.1\r\nHost: x\r\n\r\n");
  BOOST_TEST(server.soon([&] { return server.counters().slow_clients == 1; }));
  BOOST_TEST(server.pieces < 200);  // 20 MB: what the sockets took, and no more
  BOOST_TEST(server.soon([&] { return server.connections() == 0; }));
}

BOOST_AUTO_TEST_CASE(an_event_stream_stays_open_and_brings_what_is_published) {
  Server server;
  Client client(server.port());
  client.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
  BOOST_TEST(client.read_until("\r\n\r\n").find("chunked") != std::string::npos);
  BOOST_TEST(client.read_until("data: {}\n\n").find("event: first") != std::string::npos);
  std::this_thread::sleep_for(600ms);  // beyond the idle limit of other connections
  server.publish();
  BOOST_TEST(client.read_until("\n\n").find("event: sites") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_event_client_that_does_not_read_is_dropped) {
  Server server;
  Client sleeping(server.port(), 4096);
  sleeping.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
  sleeping.read_until("data: {}\n\n");
  // 100 kB each: more than the sockets' buffers and the limit together.
  for (int i = 0; i < 200 && server.counters().slow_clients == 0; ++i) server.publish();
  BOOST_TEST(server.counters().slow_clients == 1U);
  BOOST_TEST(server.soon([&] { return server.connections() == 0; }));
  server.still_works();
}

BOOST_AUTO_TEST_CASE(stop_ends_streams_and_idle_connections_but_lets_answers_end) {
  Server server;
  Client idle(server.port());
  BOOST_TEST(idle.get("/echo").first == 200);
  Client stream(server.port());
  stream.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
  stream.read_until("data: {}\n\n");
  Client large(server.port());
  large.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string head = large.read_until("\r\n\r\n");
  server.stop();
  BOOST_TEST(idle.closed());
  stream.read_all();
  BOOST_TEST(large.read_all().size() == 20'000'000U);
  BOOST_TEST(server.soon([&] { return server.connections() == 0; }));
}

BOOST_AUTO_TEST_CASE(a_listening_socket_can_be_taken_over) {
  Fd listening(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  BOOST_REQUIRE(::bind(listening.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  BOOST_REQUIRE(::listen(listening.get(), 8) == 0);
  boost::asio::io_context loop;
  std::optional<HttpServer> server(std::in_place, loop, std::move(listening), [](const web::Request&) {
    web::Response response;
    response.body = "taken over";
    return response;
  });
  const std::uint16_t port = server->port();
  BOOST_REQUIRE(port != 0);
  std::thread thread([&] { loop.run(); });
  BOOST_TEST(Client(port).get("/").second == "taken over");
  boost::asio::post(loop, [&] { server.reset(); });
  thread.join();
}

BOOST_AUTO_TEST_CASE(an_address_in_use_is_said_at_the_start) {
  Server server;
  boost::asio::io_context loop;
  const Endpoint taken{*IpAddress::parse("127.0.0.1"), server.port()};
  const std::string expected = "listen on " + taken.str() + ": Address already in use";
  BOOST_CHECK_EXCEPTION(HttpServer(loop, taken, {}), std::system_error,
                        [&](const std::system_error& error) { return error.what() == expected; });
}

BOOST_AUTO_TEST_SUITE_END()
