#include "tests/bench/shaped_link.h"

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace sonde::bench {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr const char* topology =
    "seed: 1997\n"
    "sites:\n"
    "  - {name: a, address: 192.0.2.10}\n"
    "  - {name: b, address: 192.0.2.20}\n"
    "paths: []\n";

void checked(const lab::Output& done, const std::string& what) {
  if (done.code != 0) throw std::runtime_error(what + ": " + done.err);
}

std::string made_folder() {
  const std::string folder = lab::lab_folder(::getpid());
  fs::remove_all(folder);
  fs::create_directories(folder);
  std::ofstream(fs::path(folder) / "wan.yaml") << topology;
  return folder;
}

}  // namespace

ShapedLink::ShapedLink() : prefix_(lab::lab_prefix(::getpid())), folder_(made_folder()), guardian_(prefix_, folder_) {
  lab::make_namespaces(prefix_, {"a", "b"});
  const fs::path program = fs::read_symlink("/proc/self/exe").parent_path() / "sonde-wan";
  emulator_ = std::make_unique<lab::Process>(
      lab::ProcessSpec{.name = "wan",
                       .argv = {program.string(), "--topology", "wan.yaml", "--prefix", prefix_},
                       .netns = {},
                       .folder = folder_,
                       .log = fs::path(folder_) / "wan.log",
                       .talks = true});
  if (emulator_->hear(10s) != "ready") throw std::runtime_error("sonde-wan did not start");
}

std::string ShapedLink::address(char end) const {
  if (by_tbf_) return end == 'a' ? "198.51.100.10" : "198.51.100.11";
  return end == 'a' ? "192.0.2.10" : "192.0.2.20";
}

void ShapedLink::shape(const Shape& shape) {
  by_tbf_ = shape.by_tbf;
  if (by_tbf_) {
    checked(lab::run({"tc", "-n", prefix_ + "hub", "qdisc", "replace", "dev", "ctl1", "root", "tbf", "rate",
                      fmt::format("{:.0f}bit", shape.rate.value), "burst", std::to_string(shape.bucket.count), "limit",
                      std::to_string(shape.queue.count + shape.bucket.count)}),
            "tc");
    return;
  }
  const auto ask = [&](const std::string& command) {
    emulator_->say(command);
    const auto answer = emulator_->hear(5s);
    if (answer != "ok") throw std::runtime_error("sonde-wan: " + answer.value_or("no answer"));
  };
  const auto half_us = std::chrono::duration_cast<std::chrono::microseconds>(shape.round_trip).count() / 2;
  ask(fmt::format("set a b delay={}us rate={:.0f}bit/s bucket={}B queue={}B loss={}", half_us, shape.rate.value,
                  shape.bucket.count, shape.queue.count, shape.loss));
  ask(fmt::format("set b a delay={}us", half_us));
}

Crossed ShapedLink::crossed() {
  if (by_tbf_) {
    const auto said = lab::run({"tc", "-n", prefix_ + "hub", "-s", "-j", "qdisc", "show", "dev", "ctl1"});
    checked(said, "tc");
    const auto qdisc = nlohmann::json::parse(said.out).at(0);
    return {qdisc.at("bytes").get<std::uint64_t>(), qdisc.at("drops").get<std::uint64_t>()};
  }
  emulator_->say("stats");
  const auto answer = emulator_->hear(5s);
  if (!answer) throw std::runtime_error("sonde-wan does not answer");
  const auto path = nlohmann::json::parse(*answer).at("paths").at(0);
  return {path.at("delivered_bytes").get<std::uint64_t>(),
          path.at("drops").at("queue").get<std::uint64_t>() + path.at("drops").at("loss").get<std::uint64_t>()};
}

}  // namespace sonde::bench
