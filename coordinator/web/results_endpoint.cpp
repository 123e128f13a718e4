#include <fmt/format.h>

#include <utility>

#include "coordinator/web/endpoints.h"
#include "coordinator/web/json.h"

namespace sonde::web {
namespace {

constexpr std::size_t lines_in_a_piece = 200;

Response stream_of(const std::shared_ptr<HistoryReader>& history, const ResultFilter& filter) {
  Response response;
  response.content_type = "application/x-ndjson";
  response.body =
      PieceSource([history, filter, cursor = std::shared_ptr<ResultCursor>()]() mutable -> std::optional<std::string> {
        if (cursor == nullptr) cursor = history->open(filter);
        const auto results = cursor->next(lines_in_a_piece);
        if (results.empty()) return std::nullopt;
        std::string piece;
        for (const Result& result : results) piece += result_line(result) + '\n';
        return piece;
      });
  return response;
}

}  // namespace

Response results_endpoint(const Target& target, const Sources& sources) {
  Parameters parameters(target, sources.now);
  ResultFilter filter;
  filter.since = parameters.time("since");
  filter.until = parameters.time("until");
  filter.from = parameters.site("from", sources.mesh);
  filter.to = parameters.site("to", sources.mesh);
  filter.probe = parameters.probe("probe");
  filter.limit = parameters.number("limit");
  const auto after = parameters.run("after_id");
  if (auto problem = parameters.problem()) return std::move(*problem);
  if (sources.history == nullptr) return no_store_response();
  if (!after) return stream_of(sources.history, filter);
  return deferred_response([history = sources.history, filter, id = *after]() mutable {
    const auto finished_at = history->finished_at(id);
    if (!finished_at)
      return error_response(
          404, fmt::format("after_id: no result {} is stored (any more); begin again with since", id.str()));
    filter.after = std::pair(*finished_at, id);
    return stream_of(history, filter);
  });
}

Response events_endpoint(const Target& target, const Sources& sources) {
  Parameters parameters(target, sources.now);
  CellQuery query = parameters.cell_query();
  if (target.parameter("at") != nullptr) parameters.refuse(400, "at: the event stream is always of the present");
  query.at = sources.now;
  if (!sources.matrix.reaches(query, sources.now))
    parameters.refuse(400, "window: longer than the live matrix reaches; ask for at most 2h here");
  if (auto problem = parameters.problem()) return std::move(*problem);
  Response response;
  response.content_type = "text/event-stream";
  EventStream stream(query);
  std::string first = stream.update(sources, {});
  response.body = EventBody{std::move(stream), std::move(first)};
  return response;
}

}  // namespace sonde::web
