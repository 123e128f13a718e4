#include "shared/schedule/site_index.h"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace sonde;

BOOST_AUTO_TEST_SUITE(site_index)

BOOST_AUTO_TEST_CASE(every_name_is_found_at_its_place_and_no_other_one) {
  std::vector<SiteId> sites;
  for (const char* name : {"a", "b", "ab", "ba", "berlin", "berlin-1", "berlin-2", "a-long-name-that-differs-1-here",
                           "a-long-name-that-differs-2-here", "sixteen-octets-1", "sixteen-octets-2",
                           "seventeen-octets1", "seventeen-octets2", "eight-00", "eight-01", "seven-0", "seven-1"})
    sites.push_back(SiteId::known(name));
  for (int i = 0; i < 1000; ++i) sites.push_back(SiteId::known("s" + std::to_string(i)));
  const SiteIndex index(sites);
  for (std::uint32_t i = 0; i < sites.size(); ++i) {
    BOOST_TEST(index.of(sites[i]) == i);
    BOOST_TEST((index.site(i) == sites[i]));
  }
  for (const char* name : {"c", "berlin-3", "s1000", "a-long-name-that-differs-3-here"})
    BOOST_TEST(index.of(SiteId::known(name)) == SiteIndex::none);
  BOOST_TEST(index.of(SiteId()) == SiteIndex::none);
}

BOOST_AUTO_TEST_CASE(of_a_name_that_comes_twice_the_first_place_counts) {
  const SiteIndex index({SiteId::known("a"), SiteId::known("b"), SiteId::known("a")});
  BOOST_TEST(index.of(SiteId::known("a")) == 0U);
  BOOST_TEST(index.size() == 3U);
}

BOOST_AUTO_TEST_CASE(nobody_is_found_in_an_empty_one) {
  BOOST_TEST(SiteIndex().of(SiteId::known("a")) == SiteIndex::none);
  BOOST_TEST(SiteIndex(std::vector<SiteId>()).of(SiteId::known("a")) == SiteIndex::none);
}

BOOST_AUTO_TEST_SUITE_END()
