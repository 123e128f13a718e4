#include "coordinator/cli/probe_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <thread>

#include "coordinator/cli/change_command.h"
#include "coordinator/cli/http_client.h"
#include "coordinator/cli/json_read.h"
#include "coordinator/cli/units.h"

namespace sonde::cli {
namespace {

constexpr auto ask_every = std::chrono::milliseconds(300);
/// The coordinator may be restarted meanwhile; a run that it has forgotten is 404.
constexpr int failures_in_a_row = 20;

/// Tells each text once: over the line before on a terminal, else on a line of its own.
class ProgressLine {
 public:
  ~ProgressLine() {
    if (terminal_ && !shown_.empty()) fmt::print(stderr, "\r\x1b[K");
  }
  void show(const std::string& text) {
    if (text == shown_) return;
    const std::string line = terminal_ ? "\r\x1b[K" + text : text + "\n";
    fmt::print(stderr, "{}", line);
    std::fflush(stderr);
    shown_ = text;
  }
  bool terminal() const { return terminal_; }

 private:
  bool terminal_ = ::isatty(STDERR_FILENO) == 1;
  std::string shown_;
};

std::string refusal(const std::string& coordinator, const HttpReply& reply) {
  const Json json = Json::parse(reply.body, nullptr, false);
  const std::string what = text_at(json, "error");
  return fmt::format("measure: {}: {}", coordinator,
                     what.empty() ? fmt::format("HTTP status {}; is that a Sonde coordinator?", reply.status) : what);
}

/// What changes all the time is left out where every change is a line.
std::string line_for(const Json& run, bool terminal) {
  if (terminal) return progress_text(run);
  Json calm = run;
  calm["wait_s"] = nullptr;
  return text_at(run, "state") == "queued" ? progress_text(calm) : progress_text(run);
}

}  // namespace

std::string progress_text(const Json& run) {
  const std::string head =
      fmt::format("{} {} -> {}: ", text_at(run, "probe"), text_at(run, "from"), text_at(run, "to"));
  const std::string state = text_at(run, "state");
  if (state == "queued") {
    const auto wait = number_at(run, "wait_s");
    const std::string when = wait ? "in " + human_stretch(std::round(*wait * 10) / 10)
                                  : "at " + clock_time(text_at(run, "scheduled_at")) + " UTC";
    return head + "begins " + when + ", when both sites are free";
  }
  if (state != "running") return head + state;
  const Json& progress = at(run, "progress");
  std::string text = head + "runs";
  if (const auto elapsed = number_at(progress, "elapsed_s"); elapsed && *elapsed > 0)
    text += fmt::format(" for {}, at most {}", human_stretch(std::round(*elapsed * 10) / 10),
                        human_stretch(number_at(run, "length_s").value_or(0)));
  if (const auto bytes = number_at(progress, "bytes"); bytes && *bytes > 0) text += ", " + human_bytes(*bytes);
  return text;
}

Expected<MeasuredRun> measure_now(const std::string& coordinator, const WantedRun& wanted,
                                  const std::string& token_file) {
  const auto token = read_token(token_file, "measure");
  if (!token) return std::unexpected(token.error());
  const Json body{{"from", wanted.from}, {"to", wanted.to}, {"probe", wanted.kind}};
  auto reply =
      http_post(coordinator, "/api/v1/probes", body.dump(-1, ' ', false, Json::error_handler_t::replace), *token);
  if (!reply) return std::unexpected(reply.error());
  if (reply->status != 202) return fail(refusal(coordinator, *reply));
  ProgressLine line;
  std::string id;
  for (int failures = 0;;) {
    const Json run = Json::parse(reply->body, nullptr, false);
    if (id.empty()) id = text_at(run, "id");
    const std::string state = text_at(run, "state");
    if (id.empty() || state.empty())
      return fail(fmt::format("the answer of {} is not that of a Sonde coordinator", coordinator));
    if (state != "queued" && state != "running") return MeasuredRun{reply->body, state == "done"};
    line.show(line_for(run, line.terminal()));
    do {
      std::this_thread::sleep_for(ask_every);
      reply = http_get(coordinator, "/api/v1/probes/" + url_encoded(id));
      if (reply) break;
    } while (++failures < failures_in_a_row);
    if (!reply) return std::unexpected(reply.error());
    if (reply->status != 200) return fail(refusal(coordinator, *reply));
    failures = 0;
  }
}

}  // namespace sonde::cli
