// Scripts of what happened to each probe, told as a line of text.
#include "shared/measure/direction_loss.h"

#include <boost/test/unit_test.hpp>

#include <string_view>

using namespace sonde;
using namespace std::chrono_literals;

namespace {

/// Plays a stream. Each character is one probe:
///   .  answered           >  lost on the way there     <  lost on the way back
///   =  arrived twice, both answered                    h  never left this host
///   R  the reflector restarts, then the probe is answered
class Script {
 public:
  explicit Script(std::uint32_t first_sequence = 0, std::uint32_t first_reflected = 0)
      : sequence_(first_sequence), reflected_(first_reflected) {}

  LossCounts play(std::string_view probes) {
    for (const char what : probes) one(what);
    return loss.take();
  }

  DirectionLoss loss;

 private:
  void one(char what) {
    now_ += 200ms;
    ProbeFate fate{.sequence = sequence_++, .sent = now_, .reply = {}};
    if (what == 'R') reflected_ = 0;
    if (what == 'h') fate.left_host = false;
    if (what == '<') ++reflected_;
    if (what == '.' || what == 'R' || what == '=') fate.reply = {.reflected = reflected_++, .received = now_ + 40ms};
    if (what == '=') {
      fate.reply->extra_copies = 1;
      ++reflected_;
    }
    loss.on_probe(fate);
  }
  std::uint32_t sequence_;
  std::uint32_t reflected_;
  MonoTime now_;
};

void expect(const LossCounts& counts, std::uint64_t arrived, std::uint64_t forward, std::uint64_t reverse,
            std::uint64_t unattributed) {
  BOOST_TEST(counts.arrived == arrived);
  BOOST_TEST(counts.forward_lost == forward);
  BOOST_TEST(counts.reverse_lost == reverse);
  BOOST_TEST(counts.unattributed == unattributed);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(direction_loss)

BOOST_AUTO_TEST_CASE(nothing_lost) { expect(Script().play("....."), 5, 0, 0, 0); }

BOOST_AUTO_TEST_CASE(each_direction_by_itself) {
  expect(Script().play(".>.>>."), 3, 3, 0, 0);
  expect(Script().play(".<.<<."), 3, 0, 3, 0);
  expect(Script().play(".><>.<."), 3, 2, 2, 0);
}

BOOST_AUTO_TEST_CASE(what_is_lost_behind_the_last_reply_waits_for_the_next_one) {
  Script script;
  expect(script.play("..>>"), 2, 0, 0, 2);
  BOOST_TEST(script.loss.pending() == 2);
  expect(script.play("<..."), 3, 2, 1, 0);
}

BOOST_AUTO_TEST_CASE(what_was_lost_long_ago_does_not_darken_the_present) {
  Script script;
  script.play("....");
  expect(script.play(">>>>"), 0, 0, 0, 4);
  expect(script.play(">>>>"), 0, 0, 0, 4);
  const LossCounts healed = script.play("....");
  expect(healed, 4, 4, 0, 0);
  BOOST_TEST(healed.older_forward_lost == 4);
}

BOOST_AUTO_TEST_CASE(the_tail_is_named_for_the_far_agent_and_what_the_next_reply_says_of_it_is_kept_apart) {
  Script script(100);
  const LossCounts first = script.play("..>h>");
  BOOST_TEST((first.tail == LossTail{.first = 102, .last = 104, .sent = 2}));
  const LossCounts second = script.play(".>..");
  expect(second, 3, 3, 0, 0);
  BOOST_TEST((second.previous == LossShares{.forward_lost = 2}));
  BOOST_TEST((second.tail == LossTail{}));
}

BOOST_AUTO_TEST_CASE(a_tail_is_shared_out_between_its_idle_and_loaded_probes) {
  const LossTail tail{.first = 0, .last = 9, .sent = 10, .loaded = 4};
  const TailShares none = decide_tail(tail, 0);
  BOOST_TEST((none.idle == LossShares{.forward_lost = 6}));
  BOOST_TEST((none.loaded == LossShares{.forward_lost = 4}));
  const TailShares half = decide_tail(tail, 5);
  BOOST_TEST((half.idle == LossShares{.forward_lost = 3, .reverse_lost = 3}));
  BOOST_TEST((half.loaded == LossShares{.forward_lost = 2, .reverse_lost = 2}));
  const TailShares more = decide_tail(tail, 99);
  BOOST_TEST((more.idle == LossShares{.reverse_lost = 6}));
}

BOOST_AUTO_TEST_CASE(before_the_first_reply_nothing_is_known) { expect(Script().play(">>.."), 2, 0, 0, 2); }

BOOST_AUTO_TEST_CASE(what_never_left_this_host_is_nobodys_loss) { expect(Script().play(".h.>h.h<."), 4, 1, 1, 0); }

BOOST_AUTO_TEST_CASE(copies_that_were_seen_are_not_losses_on_the_way_back) {
  expect(Script().play(".=.>=<."), 5, 1, 1, 0);
}

BOOST_AUTO_TEST_CASE(across_a_restart_of_the_reflector_nothing_is_claimed) {
  Script script(100, 5000);
  expect(script.play("...>>>R.."), 6, 0, 0, 3);
  BOOST_TEST(script.loss.restarts() == 1);
  Script small;
  expect(small.play("...R.>."), 6, 1, 0, 0);
  BOOST_TEST(small.loss.restarts() == 1);
}

BOOST_AUTO_TEST_CASE(numbers_may_wrap) { expect(Script(0xFFFF'FFFD, 0xFFFF'FFFE).play("..>..<.."), 6, 1, 1, 0); }

BOOST_AUTO_TEST_CASE(a_jump_of_the_reflectors_numbers_claims_nothing) {
  DirectionLoss loss;
  loss.on_probe(
      {.sequence = 0, .sent = MonoTime(0s), .reply = ProbeFate::Reply{.reflected = 0, .received = MonoTime(1ms)}});
  loss.on_probe({.sequence = 1, .sent = MonoTime(1s), .reply = {}});
  loss.on_probe(
      {.sequence = 2, .sent = MonoTime(2s), .reply = ProbeFate::Reply{.reflected = 900, .received = MonoTime(2001ms)}});
  expect(loss.take(), 2, 0, 0, 1);
}

BOOST_AUTO_TEST_CASE(reordering_is_not_loss) {
  // Sent 1 ms apart, under way for 40 ms: 3 overtakes 2; 5 is lost on the way there.
  DirectionLoss loss;
  const std::uint32_t reflected[] = {0, 1, 3, 2, 4, 0, 5};
  for (std::uint32_t s = 0; s < 7; ++s) {
    ProbeFate fate{.sequence = s, .sent = MonoTime(std::chrono::milliseconds(s)), .reply = {}};
    if (s != 5) fate.reply = {.reflected = reflected[s], .received = fate.sent + 40ms};
    loss.on_probe(fate);
  }
  expect(loss.take(), 6, 1, 0, 0);
  BOOST_TEST(loss.restarts() == 0);
}

BOOST_AUTO_TEST_CASE(a_reflector_that_only_copies_is_known_by_it) {
  Script script;
  script.play("....");
  BOOST_TEST(!script.loss.stateful_seen());
  script.play(">..");
  BOOST_TEST(script.loss.stateful_seen());
}

BOOST_AUTO_TEST_SUITE_END()
