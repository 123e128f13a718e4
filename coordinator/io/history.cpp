#include "coordinator/io/history.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "coordinator/store/incident_reader.h"
#include "coordinator/store/reader.h"

namespace sonde::io {
namespace {

/// A matrix of the past is read by at most so many at once, the HTTP server's worker among them.
constexpr std::size_t threads_of_a_request = 4;

template <typename T>
T or_throw(Expected<T> value) {
  if (!value) throw std::runtime_error(value.error().what);
  return *std::move(value);
}

void or_throw(const Expected<void>& done) {
  if (!done) throw std::runtime_error(done.error().what);
}

class StoreCursor : public web::ResultCursor {
 public:
  explicit StoreCursor(store::Cursor cursor) : cursor_(std::move(cursor)) {}
  std::vector<Result> next(std::size_t count) override { return or_throw(cursor_.next(count)); }

 private:
  store::Cursor cursor_;
};

/// Opened when first asked, so that the connection belongs to the worker's thread.
class StoreHistory : public web::HistoryReader {
 public:
  explicit StoreHistory(std::filesystem::path store) : path_(std::move(store)) {}

  std::vector<Result> link_results(const Link& link, Probe probe, SharedTime since, SharedTime until) override {
    return or_throw(reader().link_results(link, probe, since, until));
  }
  std::vector<Result> site_results(const SiteId& from, Metric metric, SharedTime since, SharedTime until) override {
    return or_throw(reader().site_results(from, info(metric).probe, metric, since, until));
  }
  void roll_ups(const RollQuery& query, const EachRoll& each) override { or_throw(reader().roll_ups(query, each)); }
  void roll_ups_before(const RollQuery& query, const EachRoll& each) override {
    or_throw(reader().roll_ups_before(query, each));
  }
  Windows windows(std::span<const RollQuery> queries) override {
    const std::size_t threads = std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, threads_of_a_request);
    while (helpers_.size() + 1 < std::min(threads, queries.size()))
      helpers_.push_back(std::make_unique<store::Reader>(path_));
    std::vector<std::optional<Expected<Windows::value_type>>> found(queries.size());
    std::atomic<std::size_t> next = 0;
    const auto work = [&](store::Reader& reader) {
      for (std::size_t i = next++; i < queries.size(); i = next++) found[i].emplace(reader.windows(queries[i]));
    };
    {
      std::vector<std::jthread> running;
      for (std::size_t i = 0; i < helpers_.size() && i + 1 < queries.size(); ++i)
        running.emplace_back([&work, &helper = *helpers_[i]] { work(helper); });
      work(reader());
    }
    Windows windows;
    for (auto& each : found) windows.push_back(or_throw(*std::move(each)));
    return windows;
  }
  RollLevel finest(SharedTime since) override { return or_throw(reader().finest(since)); }
  std::vector<Incident> incidents_at(SharedTime at) override { return or_throw(store::incidents_at(path_, at)); }
  std::optional<SharedTime> finished_at(const RunId& id) override { return or_throw(reader().finished_at(id)); }
  std::unique_ptr<web::ResultCursor> open(const web::ResultFilter& filter) override {
    return std::make_unique<StoreCursor>(or_throw(
        reader().open({filter.since, filter.until, filter.from, filter.to, filter.probe, filter.limit, filter.after})));
  }

 private:
  store::Reader& reader() {
    if (!reader_) reader_ = std::make_unique<store::Reader>(path_);
    return *reader_;
  }
  std::filesystem::path path_;
  std::unique_ptr<store::Reader> reader_;
  std::vector<std::unique_ptr<store::Reader>> helpers_;  ///< each with a thread of its own while windows() runs
};

}  // namespace

std::shared_ptr<web::HistoryReader> make_history(std::filesystem::path store) {
  return std::make_shared<StoreHistory>(std::move(store));
}

}  // namespace sonde::io
