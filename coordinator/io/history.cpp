#include "coordinator/io/history.h"

#include <stdexcept>
#include <utility>

#include "coordinator/store/incident_reader.h"
#include "coordinator/store/reader.h"

namespace sonde::io {
namespace {

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
};

}  // namespace

std::shared_ptr<web::HistoryReader> make_history(std::filesystem::path store) {
  return std::make_shared<StoreHistory>(std::move(store));
}

}  // namespace sonde::io
