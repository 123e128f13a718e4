// Mail to a real SMTP server with STARTTLS, a login and a certificate of its own.
#include "coordinator/io/notifier.h"

#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include <fstream>
#include <thread>

#include "tests/source_file.h"
#include "tests/unit/coordinator_store/scratch.h"

using namespace sonde;
using namespace sonde::io;
using namespace std::chrono_literals;

namespace {

pid_t start(std::vector<std::string> words) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t pid = -1;
  BOOST_REQUIRE(::posix_spawnp(&pid, argv.front(), nullptr, nullptr, argv.data(), environ) == 0);
  return pid;
}

int run(std::vector<std::string> words) {
  int status = -1;
  BOOST_REQUIRE(::waitpid(start(std::move(words)), &status, 0) > 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool can_run() {
  const bool can = run({"/usr/bin/python3", "-c",
                        "import importlib.util,sys;sys.exit(not importlib.util.find_spec('aiosmtpd'))"}) == 0;
  if (!can) fmt::print("skipped: python3-aiosmtpd is not installed\n");
  return can;
}

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct MailServer : test::Scratch {
  std::filesystem::path dir = folder();
  pid_t pid = -1;

  explicit MailServer(bool plain = false) {
    BOOST_REQUIRE(run({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                       "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                       dir / "key.pem", "-out", dir / "cert.pem"}) == 0);
    std::ofstream(dir / "password") << "open sesame\n";
    std::ofstream(dir / "wrong") << "open barley\n";
    std::vector<std::string> words{"/usr/bin/python3", test::source_file("tests/unit/coordinator_io/mail.py"), dir};
    if (plain) words.emplace_back("plain");
    pid = start(std::move(words));
    for (int i = 0; i < 600 && !std::filesystem::exists(dir / "port"); ++i) std::this_thread::sleep_for(50ms);
    BOOST_REQUIRE(std::filesystem::exists(dir / "port"));
  }
  ~MailServer() {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
  MailServer(const MailServer&) = delete;
  MailServer& operator=(const MailServer&) = delete;

  Receiver receiver() const {
    return {.kind = ReceiverKind::mail,
            .url = fmt::format("smtp://127.0.0.1:{}", text_of(dir / "port")),
            .secret_file = dir / "password",
            .ca_file = dir / "cert.pem",
            .user = "sonde",
            .from = "sonde@example.net",
            .to = {"ops@example.net"}};
  }
  /// What was the trouble; empty: it was taken.
  static std::string tell(Receiver receiver) {
    Notifier notifier;
    Notice notice;
    notice.incident.id = "17";
    notice.incident.summary = "athens egress: 2 of 2 destinations lose packets";
    BOOST_REQUIRE(notifier.send({.number = 1,
                                 .receiver = std::move(receiver),
                                 .key = "0123",
                                 .mesh = "europe",
                                 .notices = {notice},
                                 .at = shared_from_ns(1'795'176'000'000'000'000)}));
    for (int i = 0; i < 600; ++i) {
      const auto reports = notifier.take();
      if (!reports.empty()) return reports.front().trouble;
      std::this_thread::sleep_for(50ms);
    }
    return "no report came";
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(mail_over_tls)

BOOST_AUTO_TEST_CASE(a_login_goes_through_starttls_only) {
  if (!can_run()) return;
  const MailServer server;
  BOOST_TEST(MailServer::tell(server.receiver()) == "");
  const std::string mail = text_of(server.dir / "mail");
  BOOST_TEST(mail.starts_with("tls sonde@example.net ops@example.net\n"), mail);
  BOOST_TEST(mail.find("Subject: [europe] athens egress: 2 of 2 destinations lose packets") != std::string::npos, mail);
  BOOST_TEST(text_of(server.dir / "login").ends_with(" sonde"));

  std::filesystem::remove(server.dir / "mail");
  std::filesystem::remove(server.dir / "login");
  Receiver stranger = server.receiver();
  stranger.ca_file.reset();
  const std::string distrust = MailServer::tell(stranger);
  BOOST_TEST(distrust.find("certificate") != std::string::npos, distrust);
  BOOST_TEST(!std::filesystem::exists(server.dir / "login"));  // the password was not shown to it

  Receiver wrong = server.receiver();
  wrong.secret_file = server.dir / "wrong";
  BOOST_TEST(!MailServer::tell(wrong).empty());
  Receiver lost = server.receiver();
  lost.secret_file = server.dir / "none";
  BOOST_TEST(MailServer::tell(lost).find("none") != std::string::npos);
  BOOST_TEST(!std::filesystem::exists(server.dir / "mail"));
}

BOOST_AUTO_TEST_CASE(without_tls_no_password_is_sent) {
  if (!can_run()) return;
  const MailServer server(true);
  BOOST_TEST(!MailServer::tell(server.receiver()).empty());
  BOOST_TEST(!std::filesystem::exists(server.dir / "login"));
  Receiver open = server.receiver();
  open.user.clear();
  BOOST_TEST(MailServer::tell(open) == "");
  BOOST_TEST(text_of(server.dir / "mail").starts_with("clear sonde@example.net"));
}

BOOST_AUTO_TEST_SUITE_END()
