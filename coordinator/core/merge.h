// A sorted list changed in place: for lists so long that making a new one would take most of the time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <utility>
#include <vector>

namespace sonde {

/// One pass over the list from its end, or from its beginning where it gets shorter; private to merge_in_place().
template <typename T, typename Less>
class MergePass {
 public:
  MergePass(std::vector<T>& items, std::span<const std::uint32_t> dropped, std::vector<T>& fresh, bool backwards,
            Less less)
      : items_(items), dropped_(dropped), fresh_(fresh), backwards_(backwards), less_(less) {}

  void run(std::size_t old_size) {
    read_ = old_size;
    write_ = items_.size();
    while (read_ > 0 || !stash_.empty() || fresh_used_ < fresh_.size()) {
      if (stash_.empty() && read_ > 0 && next_is_dropped()) {
        skip();
        continue;
      }
      const bool has_old = read_ > 0 || !stash_.empty();
      const bool has_fresh = fresh_used_ < fresh_.size();
      if (!has_fresh && stash_.empty() && read_ == write_ && dropped_used_ == dropped_.size()) return;
      if (has_fresh && (!has_old || comes_first(next_fresh(), stash_.empty() ? at(read_ - 1) : stash_.front())))
        place(take_fresh());
      else
        place_old();
    }
  }

 private:
  /// Elements are counted from the end that the pass reaches last.
  T& at(std::size_t i) { return items_[backwards_ ? i : items_.size() - 1 - i]; }
  T& next_fresh() { return fresh_[backwards_ ? fresh_.size() - 1 - fresh_used_ : fresh_used_]; }
  T take_fresh() {
    T value = std::move(next_fresh());
    ++fresh_used_;
    return value;
  }
  /// Old elements stand before equal new ones.
  bool comes_first(const T& fresh, const T& old) const { return backwards_ ? !less_(fresh, old) : less_(fresh, old); }
  bool next_is_dropped() const {
    if (dropped_used_ == dropped_.size()) return false;
    const std::size_t place = backwards_ ? read_ - 1 : items_.size() - read_;
    return dropped_[backwards_ ? dropped_.size() - 1 - dropped_used_ : dropped_used_] == place;
  }
  void skip() {
    --read_;
    ++dropped_used_;
  }

  void place_old() {
    if (!stash_.empty()) {
      T value = std::move(stash_.front());
      stash_.pop_front();
      return place(std::move(value));
    }
    if (read_ < write_) {
      at(write_ - 1) = std::move(at(read_ - 1));
      --read_;
      --write_;
    } else if (read_ == write_) {
      --read_;
      --write_;
    } else {
      T value = std::move(at(read_ - 1));
      --read_;
      place(std::move(value));
    }
  }

  /// What stands there and has not had its turn waits aside.
  void place(T value) {
    while (read_ >= write_)
      if (next_is_dropped()) {
        skip();
      } else {
        stash_.push_back(std::move(at(read_ - 1)));
        --read_;
      }
    at(write_ - 1) = std::move(value);
    --write_;
  }

  std::vector<T>& items_;
  std::span<const std::uint32_t> dropped_;
  std::vector<T>& fresh_;
  bool backwards_;
  Less less_;
  std::size_t read_ = 0;   ///< elements that have not had their turn
  std::size_t write_ = 0;  ///< places that are not filled yet, and those that will be left over
  std::size_t fresh_used_ = 0;
  std::size_t dropped_used_ = 0;
  std::deque<T> stash_;
};

/// Takes the elements at the places `dropped` (ascending) out of the sorted `items` and puts those of `fresh` (sorted)
/// in.
template <typename T, typename Less>
void merge_in_place(std::vector<T>& items, std::span<const std::uint32_t> dropped, std::vector<T> fresh, Less less) {
  const std::size_t old_size = items.size();
  const std::size_t size = old_size - dropped.size() + fresh.size();
  if (size > old_size) items.resize(size);
  MergePass<T, Less>(items, dropped, fresh, size >= old_size, less).run(old_size);
  if (size < old_size) items.resize(size);
}

}  // namespace sonde
