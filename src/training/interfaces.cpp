#include "training/interfaces.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "base/fail.hpp"

namespace hyperconv {
namespace {

/// As text; empty for what is neither IPv4 nor IPv6, and for link-local IPv6.
std::string text_of(const sockaddr* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size());
  } else if (address->sa_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
    if (!IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr))
      inet_ntop(AF_INET6, &v6->sin6_addr, text.data(), text.size());
  }
  return text.data();
}

bool is_v6(const InterfaceAddress& a) { return a.address.find(':') != std::string::npos; }

class Socket {
 public:
  explicit Socket(int family) : handle_(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}
  ~Socket() {
    if (handle_ >= 0) ::close(handle_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int handle() const { return handle_; }

 private:
  const int handle_;
};

/// The address that a packet to `there` would leave from; empty where no way leads there. Nothing
/// is sent.
std::string source_towards(const addrinfo& there) {
  const Socket socket(there.ai_family);
  if (::connect(socket.handle(), there.ai_addr, there.ai_addrlen) != 0) return {};
  sockaddr_storage here{};
  socklen_t length = sizeof here;
  auto* address = reinterpret_cast<sockaddr*>(&here);
  if (::getsockname(socket.handle(), address, &length) != 0) return {};
  return text_of(address);
}

using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

AddressList resolve(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  // A UDP socket wants some port to be connected to.
  const int error = ::getaddrinfo(host.c_str(), "9", &hints, &found);
  if (error != 0) fail("{}: no such host ({})", host, ::gai_strerror(error));
  return {found, &::freeaddrinfo};
}

std::string listed(const std::vector<InterfaceAddress>& all) {
  std::string text;
  for (const auto& a : all)
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", a.interface, a.address);
  return text;
}

}  // namespace

std::string host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

std::vector<InterfaceAddress> interface_addresses() {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0)
    fail("this machine's network interfaces cannot be listed ({})", std::strerror(errno));
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, &::freeifaddrs);
  std::vector<InterfaceAddress> all;
  for (const ifaddrs* i = list; i != nullptr; i = i->ifa_next) {
    if (i->ifa_addr == nullptr || (i->ifa_flags & IFF_UP) == 0) continue;
    const std::string address = text_of(i->ifa_addr);
    if (!address.empty()) all.push_back({i->ifa_name, address, (i->ifa_flags & IFF_LOOPBACK) != 0});
  }
  std::ranges::stable_partition(all, [](const auto& a) { return !is_v6(a); });
  return all;
}

InterfaceAddress address_of(const std::string& interface) {
  const auto all = interface_addresses();
  const auto found = std::ranges::find(all, interface, &InterfaceAddress::interface);
  if (found == all.end())
    fail("no network interface {} with an address; there are {}", interface, listed(all));
  return *found;
}

InterfaceAddress address_towards(const std::string& host) {
  const AddressList there = resolve(host);
  const auto all = interface_addresses();
  for (const addrinfo* i = there.get(); i != nullptr; i = i->ai_next) {
    const std::string address = source_towards(*i);
    if (address.empty()) continue;
    const auto found = std::ranges::find(all, address, &InterfaceAddress::address);
    if (found != all.end()) return *found;
    // All of 127.0.0.0/8 is the loopback interface's, though it names but one of it.
    const auto loopback = std::ranges::find(all, true, &InterfaceAddress::is_loopback);
    if (loopback != all.end() && address.starts_with("127."))
      return {loopback->interface, address, true};
  }
  fail("{}: no network interface leads there; there are {}", host, listed(all));
}

}  // namespace hyperconv
