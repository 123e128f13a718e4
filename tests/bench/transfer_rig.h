// Two agents' transfer engines (agent/io/transfer_path.h), each on a thread in a namespace of its own; their messages
// go past the link, as they would over another network.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/core/transfer_types.h"
#include "shared/measure/result.h"

namespace sonde::bench {

struct RigEnd {
  std::string netns;    ///< in /run/netns
  std::string address;  ///< to listen on and connect to
};

class TransferRig {
 public:
  TransferRig(const RigEnd& a, const RigEnd& b);
  ~TransferRig();
  TransferRig(const TransferRig&) = delete;
  TransferRig& operator=(const TransferRig&) = delete;

  /// One run from a to b with these lengths; addresses and names are filled in. Waits for its result, which comes when
  /// nothing more is sent.
  Result run(ThroughputOrder order);

 private:
  class Site;
  std::string address_b_;
  std::unique_ptr<Site> a_;
  std::unique_ptr<Site> b_;
};

}  // namespace sonde::bench
