#include "shared/wire/codec.h"

#include <fmt/format.h>

#include <msgpack.hpp>

#include <algorithm>
#include <utility>

#include "shared/wire/field_counter.h"
#include "shared/wire/fields.h"
#include "shared/wire/float_inverses.h"
#include "shared/wire/packed_slots.h"

namespace sonde::wire {
namespace {

/// The deepest nesting of any message, with room to spare: message, body, list, result, list, record, distribution,
/// buckets.
constexpr std::size_t max_depth = 16;

template <typename Enum>
constexpr std::size_t enum_size();
template <>
constexpr std::size_t enum_size<Metric>() {
  return metric_count;
}
template <>
constexpr std::size_t enum_size<Probe>() {
  return probe_count;
}
template <>
constexpr std::size_t enum_size<Outcome>() {
  return outcome_count;
}
template <>
constexpr std::size_t enum_size<HopKind>() {
  return hop_kind_count;
}

/// What a decoded metric is that this program does not know: its number is one of a later version.
constexpr auto later_metric = static_cast<Metric>(0xFF);
static_assert(metric_count < 0xFF);

struct Sink {
  Buffer& out;
  void write(const char* data, std::size_t size) { out.insert(out.end(), data, data + size); }
};

class Encoder {
 public:
  explicit Encoder(Buffer& out) : sink_{out}, packer_(sink_) {}

  template <typename T>
  void record(const T& constant) {
    T& value = const_cast<T&>(constant);  // fields() serves the decoder too; nothing here writes to it
    FieldCounter counter;
    fields(counter, value);
    packer_.pack_array(counter.count);
    fields(*this, value);
  }
  void array(std::uint32_t size) { packer_.pack_array(size); }

  void operator()(bool& v) { v ? packer_.pack_true() : packer_.pack_false(); }
  void operator()(double& v) { packer_.pack_double(v); }
  void operator()(std::uint64_t& v) { packer_.pack(v); }
  void operator()(std::uint32_t& v) { packer_.pack(v); }
  void operator()(std::uint16_t& v) { packer_.pack(v); }
  void operator()(std::uint8_t& v) { packer_.pack(v); }
  void operator()(nanoseconds& v) { packer_.pack(static_cast<std::int64_t>(v.count())); }
  void operator()(WallTime& v) { packer_.pack(to_ns(v)); }
  void operator()(SharedTime& v) { packer_.pack(to_ns(v)); }
  void operator()(Generation& v) { packer_.pack(v.number); }
  void operator()(Round& v) { packer_.pack(v.number); }
  void operator()(SiteId& v) { packer_.pack(v.str()); }
  void operator()(Token& v) {
    packer_.pack_bin(static_cast<std::uint32_t>(v.size()));
    sink_.out.insert(sink_.out.end(), v.begin(), v.end());
  }
  template <typename Enum>
    requires std::is_enum_v<Enum>
  void operator()(Enum& v) {
    packer_.pack(static_cast<std::uint8_t>(v));
  }
  template <typename T>
  void operator()(std::optional<T>& v) {
    if (v)
      (*this)(*v);
    else
      packer_.pack_nil();
  }
  void operator()(Distribution& v) { distribution(v.parts()); }
  template <typename T>
  void operator()(T& v) {
    record(v);
  }
  template <typename T>
  void appended(T& v) {
    (*this)(v);
  }
  void text(std::string& v) { packer_.pack(v.size() > limits::text_bytes ? v.substr(0, limits::text_bytes) : v); }
  void appended_text(std::string& v) { text(v); }
  void texts(std::vector<std::string>& v, std::size_t limit) {
    SONDE_ASSERT(v.size() <= limit);
    array(static_cast<std::uint32_t>(v.size()));
    for (auto& each : v) text(each);
  }
  template <typename T>
  void list(std::vector<T>& v, std::size_t limit) {
    SONDE_ASSERT(v.size() <= limit);
    array(static_cast<std::uint32_t>(v.size()));
    for (auto& each : v) record(each);
  }
  template <typename T>
  void appended_list(std::vector<T>& v, std::size_t limit) {
    list(v, limit);
  }
  void slots(Timetable& v) {
    std::vector<ThroughputSlot> none;
    list(are_packed(v.slots.size()) ? none : v.slots, limits::slots_per_timetable);
  }
  void appended_packed_slots(Timetable& v) {
    if (!are_packed(v.slots.size()))
      packer_.pack_nil();
    else
      append_octets(sink_.out, pack_slots(v));
  }

 private:
  void distribution(const Distribution::Parts& parts);

  Sink sink_;
  msgpack::packer<Sink> packer_;
};

void Encoder::distribution(const Distribution::Parts& parts) {
  array(11);
  packer_.pack(parts.zeros);
  packer_.pack(parts.min);
  packer_.pack(parts.max);
  packer_.pack(parts.sum.high);
  packer_.pack(parts.sum.low);
  packer_.pack(parts.squares.high);
  packer_.pack(parts.squares.low);
  packer_.pack_double(inverses_as_float(parts.inverses));
  array(static_cast<std::uint32_t>(2 * parts.buckets.size()));
  std::int32_t previous = 0;
  for (const auto& [index, times] : parts.buckets) {
    packer_.pack(index - previous);
    packer_.pack(times);
    previous = index;
  }
  packer_.pack(parts.inverses.high);
  packer_.pack(parts.inverses.low);
}

/// Reads the elements of one array in order. The first wrong one is remembered; the rest is then passed over.
class Decoder {
 public:
  Decoder(const msgpack::object& array, std::string& error) : error_(&error) {
    if (array.type == msgpack::type::ARRAY) {
      next_ = array.via.array.ptr;
      end_ = next_ + array.via.array.size;
    } else {
      wrong("is not an array");
    }
  }

  void operator()(bool& v) {
    const auto* o = take(msgpack::type::BOOLEAN);
    if (o != nullptr) v = o->via.boolean;
  }
  void operator()(double& v) {
    const msgpack::object* o = take();
    if (o == nullptr) return;
    switch (o->type) {  // a whole number may travel as an integer, which is shorter
      case msgpack::type::POSITIVE_INTEGER: v = static_cast<double>(o->via.u64); return;
      case msgpack::type::NEGATIVE_INTEGER: v = static_cast<double>(o->via.i64); return;
      case msgpack::type::FLOAT32:
      case msgpack::type::FLOAT64: v = o->via.f64; break;
      default: return wrong("is not a number");
    }
    if (!std::isfinite(v)) wrong("is not finite");
  }
  void operator()(std::uint64_t& v) { unsigned_number(v); }
  void operator()(std::uint32_t& v) { unsigned_number(v); }
  void operator()(std::uint16_t& v) { unsigned_number(v); }
  void operator()(std::uint8_t& v) { unsigned_number(v); }
  void operator()(std::int64_t& v) { signed_number(v); }
  void operator()(std::int32_t& v) { signed_number(v); }
  void operator()(nanoseconds& v) { ticks(v); }
  void operator()(WallTime& v) { ticks(v); }
  void operator()(SharedTime& v) { ticks(v); }
  void operator()(Generation& v) { unsigned_number(v.number); }
  void operator()(Round& v) { unsigned_number(v.number); }
  void operator()(SiteId& v) {
    std::string name;
    text(name);
    if (failed()) return;
    auto site = SiteId::parse(name);
    if (!site) return wrong("is not a site name");
    v = *std::move(site);
  }
  void operator()(Token& v) {
    const auto* o = take(msgpack::type::BIN);
    if (o == nullptr) return;
    if (o->via.bin.size != v.size()) return wrong("is not a token");
    std::copy_n(o->via.bin.ptr, v.size(), reinterpret_cast<char*>(v.data()));
  }
  template <typename Enum>
    requires std::is_enum_v<Enum>
  void operator()(Enum& v) {
    std::uint8_t number = 0;
    unsigned_number(number);
    if constexpr (std::is_same_v<Enum, Metric>)
      if (number >= metric_count) number = static_cast<std::uint8_t>(later_metric);
    if (!std::is_same_v<Enum, Metric> && number >= enum_size<Enum>()) return wrong("is not a known name's number");
    v = static_cast<Enum>(number);
  }
  template <typename T>
  void operator()(std::optional<T>& v) {
    v.reset();
    if (next_ != end_ && next_->type == msgpack::type::NIL) {
      ++next_;
      return;
    }
    (*this)(v.emplace());
  }
  void operator()(Distribution& v);
  template <typename T>
  void operator()(T& v) {
    const msgpack::object* o = take();
    if (o == nullptr) return;
    Decoder inner(*o, *error_);
    if (!failed()) fields(inner, v);
  }
  template <typename T>
  void appended(T& v) {
    if (next_ != end_) (*this)(v);
  }
  template <typename T>
  void appended_list(std::vector<T>& v, std::size_t limit) {
    if (next_ != end_) list(v, limit);
  }
  void slots(Timetable& v) { list(v.slots, limits::slots_per_timetable); }
  void appended_packed_slots(Timetable& v) {
    if (next_ == end_ || failed() || next_->type == msgpack::type::NIL) return;
    const auto* o = take(msgpack::type::BIN);
    if (o == nullptr) return;
    auto slots = unpack_slots({reinterpret_cast<const std::uint8_t*>(o->via.bin.ptr), o->via.bin.size}, v.members);
    if (!slots) return wrong(slots.error());
    v.slots = *std::move(slots);
  }
  void text(std::string& v) {
    const auto* o = take(msgpack::type::STR);
    if (o == nullptr) return;
    if (o->via.str.size > limits::text_bytes) return wrong("is too long a text");
    v.assign(o->via.str.ptr, o->via.str.size);
  }
  void appended_text(std::string& v) {
    if (next_ != end_) text(v);
  }
  void texts(std::vector<std::string>& v, std::size_t limit) {
    each(limit, [&](Decoder& inner) { inner.text(v.emplace_back()); });
  }
  template <typename T>
  void list(std::vector<T>& v, std::size_t limit) {
    v.clear();
    if (next_ != end_ && next_->type == msgpack::type::ARRAY)
      v.reserve(std::min<std::size_t>(next_->via.array.size, limit));
    each(limit, [&](Decoder& inner) {
      inner(v.emplace_back());
      // A later version's metric is passed over, and the rest is kept.
      if constexpr (requires { v.back().metric; })
        if (v.back().metric == later_metric) v.pop_back();
    });
  }

  bool failed() const { return !error_->empty(); }
  std::size_t left() const { return static_cast<std::size_t>(end_ - next_); }
  const msgpack::object* take() {
    if (failed()) return nullptr;
    if (next_ == end_) {
      wrong("is missing");
      return nullptr;
    }
    ++taken_;
    return next_++;
  }
  void wrong(std::string_view what) {
    if (error_->empty()) *error_ = fmt::format("field {} {}", taken_, what);
  }

 private:
  const msgpack::object* take(msgpack::type::object_type type) {
    const msgpack::object* o = take();
    if (o != nullptr && o->type != type) {
      wrong("has the wrong type");
      return nullptr;
    }
    return o;
  }
  template <typename Unsigned>
  void unsigned_number(Unsigned& v) {
    const auto* o = take(msgpack::type::POSITIVE_INTEGER);
    if (o == nullptr) return;
    if (o->via.u64 > std::numeric_limits<Unsigned>::max()) return wrong("is too large");
    v = static_cast<Unsigned>(o->via.u64);
  }
  template <typename Signed>
  void signed_number(Signed& v) {
    const msgpack::object* o = take();
    if (o == nullptr) return;
    const bool fits = o->type == msgpack::type::POSITIVE_INTEGER
                          ? std::in_range<Signed>(o->via.u64)
                          : o->type == msgpack::type::NEGATIVE_INTEGER && std::in_range<Signed>(o->via.i64);
    if (!fits) return wrong("is not an integer in range");
    v = static_cast<Signed>(o->via.i64);
  }
  template <typename Time>
  void ticks(Time& v) {
    std::int64_t ns = 0;
    signed_number(ns);
    v = Time(nanoseconds(ns));
  }
  template <typename Take>
  void each(std::size_t limit, Take take_one) {
    const msgpack::object* o = take();
    if (o == nullptr) return;
    Decoder inner(*o, *error_);
    if (inner.left() > limit) return wrong("has too many elements");
    while (!failed() && inner.left() > 0) take_one(inner);
  }

  std::string* error_;
  const msgpack::object* next_ = nullptr;
  const msgpack::object* end_ = nullptr;
  std::size_t taken_ = 0;
};

void Decoder::operator()(Distribution& v) {
  const msgpack::object* o = take();
  if (o == nullptr) return;
  Decoder inner(*o, *error_);
  Distribution::Parts parts;
  inner(parts.zeros);
  inner(parts.min);
  inner(parts.max);
  inner(parts.sum.high);
  inner(parts.sum.low);
  inner(parts.squares.high);
  inner(parts.squares.low);
  double inverses = 0;
  inner(inverses);
  const msgpack::object* flat = inner.take();
  if (flat == nullptr) return;
  Decoder buckets(*flat, *error_);
  if (buckets.left() > 2 * limits::buckets_per_distribution) return wrong("has too many buckets");
  parts.buckets.reserve(buckets.left() / 2);
  std::int32_t index = 0;
  while (!failed() && buckets.left() > 0) {
    std::int32_t step = 0;
    std::uint64_t times = 0;
    buckets(step);
    buckets(times);
    if (step < 0 || step > 10'000 || index > 10'000) return wrong("has buckets out of order");
    index += step;
    parts.buckets.emplace_back(index, times);
  }
  if (inner.left() >= 2) {
    inner(parts.inverses.high);
    inner(parts.inverses.low);
  } else {
    parts.inverses = inverses_from_float(inverses);
  }
  if (failed()) return;
  auto restored = Distribution::restore(std::move(parts));
  if (!restored) return wrong("is not a distribution that any samples could have made");
  v = *std::move(restored);
}

/// Allocation follows the input: every element of an array takes at least one octet.
std::expected<msgpack::object_handle, DecodeError> unpack(std::span<const std::uint8_t> bytes) {
  const msgpack::unpack_limit limit(bytes.size(), 0, bytes.size(), bytes.size(), 0, max_depth);
  std::size_t used = 0;
  // Texts stay where they are: `bytes` outlives what is made of them here.
  const auto refer = [](msgpack::type::object_type, std::size_t, void*) { return true; };
  try {
    auto handle =
        msgpack::unpack(reinterpret_cast<const char*>(bytes.data()), bytes.size(), used, refer, nullptr, limit);
    if (used != bytes.size())
      return std::unexpected(DecodeError{DecodeFailure::malformed, "octets behind the message"});
    return handle;
  } catch (const msgpack::unpack_error& error) {
    return std::unexpected(DecodeError{DecodeFailure::malformed, error.what()});
  } catch (const std::bad_alloc&) {
    return std::unexpected(DecodeError{DecodeFailure::malformed, "too large"});
  }
}

template <std::size_t... Index>
Message nth_message(std::size_t index, std::index_sequence<Index...>) {
  Message message;
  const bool found = ((Index == index ? (message.emplace<Index>(), true) : false) || ...);
  SONDE_ASSERT(found);
  return message;
}

template <typename T>
Buffer encode_one(const T& value) {
  Buffer out;
  Encoder encoder(out);
  encoder.record(value);
  return out;
}

template <typename T>
std::expected<T, DecodeError> decode_one(std::span<const std::uint8_t> bytes) {
  const auto handle = unpack(bytes);
  if (!handle) return std::unexpected(handle.error());
  std::string error;
  Decoder decoder(handle->get(), error);
  T value;
  if (!decoder.failed()) fields(decoder, value);
  if (!error.empty()) return std::unexpected(DecodeError{DecodeFailure::malformed, error});
  return value;
}

template <typename T>
void append_chosen(Buffer& out, std::span<const T> all, std::span<const std::uint32_t> chosen) {
  Encoder encoder(out);
  encoder.array(static_cast<std::uint32_t>(chosen.size()));
  for (const std::uint32_t i : chosen) encoder.record(all[i]);
}

}  // namespace

Buffer encode(const Message& message) {
  Buffer out;
  Encoder encoder(out);
  encoder.array(3);
  std::uint32_t number = version;
  encoder(number);
  auto type = static_cast<std::uint32_t>(message.index());
  encoder(type);
  std::visit([&](const auto& body) { encoder.record(body); }, message);
  return out;
}

std::expected<Message, DecodeError> decode(std::span<const std::uint8_t> bytes) {
  const auto handle = unpack(bytes);
  if (!handle) return std::unexpected(handle.error());
  std::string error;
  Decoder envelope(handle->get(), error);
  std::uint32_t number = 0;
  std::uint32_t type = 0;
  envelope(number);
  envelope(type);
  if (!error.empty()) return std::unexpected(DecodeError{DecodeFailure::malformed, error});
  if (number != version)
    return std::unexpected(DecodeError{DecodeFailure::unknown_version, fmt::format("version {}", number)});
  if (type >= std::variant_size_v<Message>)
    return std::unexpected(DecodeError{DecodeFailure::unknown_type, fmt::format("type {}", type)});
  Message message = nth_message(type, std::make_index_sequence<std::variant_size_v<Message>>());
  std::visit([&](auto& body) { envelope(body); }, message);
  if (!error.empty())
    return std::unexpected(DecodeError{DecodeFailure::malformed, fmt::format("type {}: {}", type, error)});
  return message;
}

void append_list(Buffer& out, std::span<const ThroughputSlot> all, std::span<const std::uint32_t> chosen) {
  append_chosen(out, all, chosen);
}
void append_list(Buffer& out, std::span<const LinkPhase> all, std::span<const std::uint32_t> chosen) {
  append_chosen(out, all, chosen);
}

Buffer encode_result(const Result& result) { return encode_one(result); }
std::expected<Result, DecodeError> decode_result(std::span<const std::uint8_t> bytes) {
  return decode_one<Result>(bytes);
}
Buffer encode_timetable(const Timetable& timetable) { return encode_one(timetable); }
std::expected<Timetable, DecodeError> decode_timetable(std::span<const std::uint8_t> bytes) {
  return decode_one<Timetable>(bytes);
}
Buffer encode_trace(const PathTrace& trace) { return encode_one(trace); }
std::expected<PathTrace, DecodeError> decode_trace(std::span<const std::uint8_t> bytes) {
  return decode_one<PathTrace>(bytes);
}

}  // namespace sonde::wire
