// This machine's name and network interfaces, and which of them reaches another machine.
#pragma once

#include <string>
#include <vector>

namespace hyperconv {

/// As this machine calls itself.
std::string host_name();

/// An address of an interface that is up.
struct InterfaceAddress {
  std::string interface;  ///< "eth0"
  std::string address;    ///< "10.0.0.2", "fd00::2"
  bool is_loopback = false;
};

/// All of them, IPv4 before IPv6; link-local IPv6 addresses, which mean nothing elsewhere, are left
/// out.
std::vector<InterfaceAddress> interface_addresses();

/// The first address of an interface. Throws Error that lists the interfaces when it has none or is
/// not there.
InterfaceAddress address_of(const std::string& interface);

/// The address that this machine would send from to a host (a name or an address). Throws Error
/// when the host's name is unknown, or no interface leads there.
InterfaceAddress address_towards(const std::string& host);

}  // namespace hyperconv
