// Whoever is to be told of an incident is told: a real Alertmanager, a real SMTP server, webhooks and a command; and
// receivers that refuse, hang or are away lose nothing and hold up nobody.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>

#include "tests/e2e/e2e_mesh.h"
#include "tests/source_file.h"

namespace {

using namespace sonde;
using namespace sonde::e2e;
using namespace std::chrono_literals;
using nlohmann::json;
namespace fs = std::filesystem;

/// A port that was free a moment ago.
std::uint16_t free_port() {
  const io::Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* any = reinterpret_cast<sockaddr*>(&address);
  if (::bind(socket.get(), any, size) != 0 || ::getsockname(socket.get(), any, &size) != 0)
    throw std::runtime_error("no free port");
  return ntohs(address.sin_port);
}

std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// How it is started: as it is installed, or as ./dev setup has unpacked it, with its templates where it looks for
/// them.
std::vector<std::string> alertmanager() {
  if (fs::exists("/usr/bin/prometheus-alertmanager")) return {"/usr/bin/prometheus-alertmanager"};
  const std::string folder = test::source_file("build/tools/alertmanager/usr");
  if (!fs::exists(folder + "/bin/prometheus-alertmanager") || ::geteuid() != 0) return {};
  return {"unshare",
          "-m",
          "sh",
          "-c",
          fmt::format("mount --bind {0}/share /usr/share && exec {0}/bin/prometheus-alertmanager \"$@\"", folder),
          "sh"};
}

bool has_aiosmtpd() { return lab::run({"/usr/bin/python3", "-c", "import aiosmtpd"}).code == 0; }

/// The receivers, each in a folder of its own.
class Receivers {
 public:
  explicit Receivers(const fs::path& folder) : folder_(folder) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    std::ofstream(folder_ / "secret") << "open sesame\n";
    std::ofstream(folder_ / "am.yml") << "route: {receiver: none, group_by: [site], group_wait: 1s}\n"
                                         "receivers: [{name: none}]\n";
  }
  ~Receivers() { fs::remove_all(folder_); }
  Receivers(const Receivers&) = delete;
  Receivers& operator=(const Receivers&) = delete;

  void start_alertmanager(std::vector<std::string> argv) {
    for (const std::string& option :
         {"--config.file=" + (folder_ / "am.yml").string(), "--storage.path=" + (folder_ / "am").string(),
          fmt::format("--web.listen-address=127.0.0.1:{}", manager_), std::string("--cluster.listen-address=")})
      argv.push_back(option);
    start("am", std::move(argv));
  }
  void start_mail() {
    start("mail", {"/usr/bin/python3", "-m", "aiosmtpd", "-n", "-l", fmt::format("127.0.0.1:{}", mail_), "-c",
                   "aiosmtpd.handlers.Mailbox", (folder_ / "mails").string()});
  }
  /// `mode`: "take", "refuse" (the first one), "hang".
  void start_hook(const std::string& name, std::uint16_t port, const std::string& mode) {
    fs::create_directories(folder_ / name);
    start(name, {"/usr/bin/python3", test::source_file("tests/e2e/hook.py"), std::to_string(port), mode,
                 (folder_ / name).string(), (folder_ / "secret").string()});
  }
  std::string config() const {
    return fmt::format(
        "notify:\n"
        "  group_wait: 1s\n"
        "  alertmanager: [{{url: \"http://127.0.0.1:{}\"}}]\n"
        "  webhook:\n"
        "    - {{url: \"http://127.0.0.1:{}/refuses\", secret_file: \"{}\"}}\n"
        "    - {{url: \"http://127.0.0.1:{}/hangs\"}}\n"
        "    - {{url: \"http://127.0.0.1:{}/away\", secret_file: \"{}\"}}\n"
        "  smtp: [{{server: \"127.0.0.1:{}\", from: sonde@example.net, to: [ops@example.net]}}]\n"
        "  command: [/bin/sh, -c, \"cat > {}\"]\n",
        manager_, refuses_, (folder_ / "secret").string(), hangs_, away_, (folder_ / "secret").string(), mail_,
        (folder_ / "command.json").string());
  }

  /// What a hook took, oldest first.
  std::vector<json> taken(const std::string& name) const {
    std::vector<json> out;
    for (int i = 1; fs::exists(folder_ / name / fmt::format("{}.json", i)); ++i)
      out.push_back(json::parse(text_of(folder_ / name / fmt::format("{}.json", i))));
    return out;
  }
  std::vector<std::string> mails() const {
    std::vector<std::string> out;
    if (!fs::exists(folder_ / "mails" / "new")) return out;
    for (const auto& entry : fs::directory_iterator(folder_ / "mails" / "new")) out.push_back(text_of(entry.path()));
    return out;
  }
  json command() const { return json::parse(text_of(folder_ / "command.json"), nullptr, false); }
  /// Alertmanager's active alerts of a site.
  std::vector<json> alerts(const std::string& site) const {
    const auto reply = lab::http_get(fmt::format("http://127.0.0.1:{}/api/v2/alerts", manager_));
    const json all = reply ? json::parse(reply->body, nullptr, false) : json();
    std::vector<json> out;
    if (all.is_array())
      for (const json& alert : all)
        if (alert["labels"].value("site", "") == site) out.push_back(alert);
    return out;
  }
  std::string groups() const {
    const auto reply = lab::http_get(fmt::format("http://127.0.0.1:{}/api/v2/alerts/groups", manager_));
    return reply ? reply->body : reply.error().what;
  }
  std::uint16_t away() const { return away_; }
  std::uint16_t refuses() const { return refuses_; }
  std::uint16_t hangs() const { return hangs_; }

 private:
  void start(const std::string& name, std::vector<std::string> argv) {
    processes_.push_back(std::make_unique<lab::Process>(lab::ProcessSpec{
        .name = name, .argv = std::move(argv), .netns = {}, .folder = folder_, .log = folder_ / (name + ".log")}));
  }

  fs::path folder_;
  std::uint16_t manager_ = free_port();
  std::uint16_t mail_ = free_port();
  std::uint16_t refuses_ = free_port();
  std::uint16_t hangs_ = free_port();
  std::uint16_t away_ = free_port();
  std::vector<std::unique_ptr<lab::Process>> processes_;
};

bool says(const std::vector<json>& taken, const std::string& state) {
  return std::ranges::any_of(taken, [&](const json& one) {
    return std::ranges::any_of(one["body"]["incidents"], [&](const json& incident) {
      return incident["cause"] == "agent_silent" && incident["site"] == "gdansk" && incident["state"] == state;
    });
  });
}

bool has_mail(const std::vector<std::string>& mails, const std::string& text) {
  return std::ranges::any_of(mails, [&](const std::string& mail) { return mail.find(text) != std::string::npos; });
}

lab::LabSpec spec(const Receivers& receivers) {
  const std::vector<PathTruth> paths{{"berlin", "athens", 1, 50, 0}, {"athens", "berlin", 1, 50, 0},
                                     {"berlin", "gdansk", 1, 50, 0}, {"gdansk", "berlin", 1, 50, 0},
                                     {"athens", "gdansk", 1, 50, 0}, {"gdansk", "athens", 1, 50, 0}};
  lab::LabSpec out{.files = lab::make_mesh_files("notify",
                                                 "  latency: {rate: 20/s, every: 1s, timeout: 500ms}\n"
                                                 "  connect: off\n"
                                                 "  throughput: off\n",
                                                 topology(paths)),
                   .ground = lab::Ground::loopback};
  out.files.coordinator += receivers.config();
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(notify)

BOOST_AUTO_TEST_CASE(everybody_is_told_once_of_the_beginning_and_of_the_end) {
  if (alertmanager().empty() || !has_aiosmtpd()) {
    fmt::print("skipped: prometheus-alertmanager or python3-aiosmtpd is not installed\n");
    return;
  }
  Receivers receivers(fmt::format("/tmp/sonde-receivers-{}", ::getpid()));
  receivers.start_alertmanager(alertmanager());
  receivers.start_mail();
  receivers.start_hook("refuses", receivers.refuses(), "refuse");
  receivers.start_hook("hangs", receivers.hangs(), "hang");
  lab::Lab lab(spec(receivers));
  lab.start_all();
  wait_until_measuring(lab, "rtt");

  lab.stop("gdansk");
  const bool told = lab::eventually(15s + 25s, [&] {
    check_alive(lab);
    return !receivers.alerts("gdansk").empty() && says(receivers.taken("refuses"), "open") &&
           has_mail(receivers.mails(), "Subject: [notify] gdansk: the agent is not heard") &&
           receivers.command().is_object();
  });
  BOOST_TEST(told, lab.log_tail("coordinator", 30));
  for (const json& alert : receivers.alerts("gdansk")) {
    BOOST_TEST(alert["labels"]["mesh"] == "notify");
    BOOST_TEST(alert["labels"]["cause"] == "agent_silent");
    BOOST_TEST(alert["labels"]["severity"] == "warning");
    fmt::print("Alertmanager: {}\n", alert["labels"].dump());
  }
  BOOST_TEST(receivers.groups().find(R"({"site":"gdansk"})") != std::string::npos);
  for (const json& one : receivers.taken("refuses")) BOOST_TEST(one["signed"] == true);
  BOOST_TEST(receivers.command()["incidents"][0]["cause"] == "agent_silent");
  BOOST_TEST(counter(lab, "sonde_events_total", "notify_failed") > 0);

  // Who was away hears of it when the coordinator has died and come back; the others do not hear it twice.
  const std::size_t hooks = receivers.taken("refuses").size();
  const std::size_t mails = receivers.mails().size();
  std::this_thread::sleep_for(2s);
  lab.kill("coordinator");
  receivers.start_hook("away", receivers.away(), "take");
  lab.start_coordinator();
  BOOST_TEST(lab::eventually(20s, [&] { return says(receivers.taken("away"), "open"); }),
             lab.log_tail("coordinator", 30));
  BOOST_TEST(receivers.taken("refuses").size() == hooks);
  BOOST_TEST(receivers.mails().size() == mails);

  lab.start_agent("gdansk");
  const bool over = lab::eventually(30s, [&] {
    return receivers.alerts("gdansk").empty() && says(receivers.taken("refuses"), "closed") &&
           says(receivers.taken("away"), "closed") && has_mail(receivers.mails(), "] over: gdansk");
  });
  BOOST_TEST(over, lab.log_tail("coordinator", 30));
  fmt::print("{} requests to the hook that refuses the first, {} mails\n", receivers.taken("refuses").size(),
             receivers.mails().size());
}

BOOST_AUTO_TEST_SUITE_END()
