#include "lb/relay/proxy_protocol.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>
#include <string_view>

#include "base/text.hpp"

namespace tandem::lb::relay {

namespace {

constexpr std::string_view kSignatureV1 = "PROXY ";
constexpr std::string_view kSignatureV2{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t kLineMaxV1 = 107;  // with CRLF
constexpr std::size_t kFixedV2 = 16;

using Parsed = std::variant<ProxyHeader, ProxyHeaderState>;

bool begins_alike(std::string_view text, std::string_view signature) {
  const std::size_t common = std::min(text.size(), signature.size());
  return text.substr(0, common) == signature.substr(0, common);
}

/// Takes the word before the next blank, or all when there is none.
std::string_view take_word(std::string_view& rest) {
  const std::size_t blank = rest.find(' ');
  const std::string_view word = rest.substr(0, blank);
  rest = blank == std::string_view::npos ? std::string_view{} : rest.substr(blank + 1);
  return word;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool leading_zero = text.size() > 1 && text.front() == '0';
  if (error != std::errc{} || end != text.data() + text.size() || leading_zero) {
    return std::nullopt;
  }
  return port;
}

std::optional<IpAddress> parse_ip(std::string_view text, IpAddress::Family family) {
  const Result<IpAddress> address = IpAddress::parse(text);
  if (!address || address->family() != family) {
    return std::nullopt;
  }
  return *address;
}

Parsed parse_v1(std::string_view text) {
  const std::size_t newline = text.substr(0, kLineMaxV1).find('\n');
  if (newline == std::string_view::npos) {
    return text.size() >= kLineMaxV1 ? ProxyHeaderState::malformed : ProxyHeaderState::unfinished;
  }
  if (text[newline - 1] != '\r') {
    return ProxyHeaderState::malformed;
  }
  std::string_view rest = text.substr(kSignatureV1.size(), newline - 1 - kSignatureV1.size());
  ProxyHeader header;
  header.length = newline + 1;
  const std::string_view family_word = take_word(rest);
  if (family_word == "UNKNOWN") {
    return header;
  }
  if (family_word != "TCP4" && family_word != "TCP6") {
    return ProxyHeaderState::malformed;
  }
  const auto family = family_word == "TCP4" ? IpAddress::Family::v4 : IpAddress::Family::v6;
  const auto source = parse_ip(take_word(rest), family);
  const auto destination = parse_ip(take_word(rest), family);
  const auto source_port = parse_port(take_word(rest));
  const auto destination_port = parse_port(rest);
  if (!source || !destination || !source_port || !destination_port) {
    return ProxyHeaderState::malformed;
  }
  header.connection = ProxiedConnection{Endpoint{source->unmapped(), *source_port},
                                        Endpoint{destination->unmapped(), *destination_port}};
  return header;
}

template <std::size_t size>
ProxiedConnection read_addresses(Bytes block) {
  std::array<std::uint8_t, size> source{};
  std::array<std::uint8_t, size> destination{};
  std::memcpy(source.data(), block.data(), size);
  std::memcpy(destination.data(), block.data() + size, size);
  return {Endpoint{IpAddress(source).unmapped(), read_u16(block.subspan(2 * size))},
          Endpoint{IpAddress(destination).unmapped(), read_u16(block.subspan(2 * size + 2))}};
}

Parsed parse_v2(Bytes begin) {
  if (begin.size() < kFixedV2) {
    return ProxyHeaderState::unfinished;
  }
  const auto version_command = std::to_integer<unsigned>(begin[12]);
  const auto family = std::to_integer<unsigned>(begin[13]);
  const std::size_t length = read_u16(begin.subspan(14));
  const unsigned command = version_command & 0xfU;
  if (version_command >> 4U != 2 || command > 1 || kFixedV2 + length > kProxyHeaderMax) {
    return ProxyHeaderState::malformed;
  }
  const std::size_t needed = family == 0x11 ? 12 : family == 0x21 ? 36 : 0;
  const bool proxied = command == 1;
  if (proxied && length < needed) {
    return ProxyHeaderState::malformed;
  }
  if (begin.size() < kFixedV2 + length) {
    return ProxyHeaderState::unfinished;
  }
  ProxyHeader header;
  header.length = kFixedV2 + length;
  const Bytes block = begin.subspan(kFixedV2, length);
  if (proxied && family == 0x11) {
    header.connection = read_addresses<4>(block);
  } else if (proxied && family == 0x21) {
    header.connection = read_addresses<16>(block);
  }
  return header;
}

/// ::ffff:192.0.2.1
IpAddress mapped(const IpAddress& address) {
  if (!address.is_v4()) {
    return address;
  }
  std::array<std::uint8_t, 16> bytes{};
  bytes[10] = 0xff;
  bytes[11] = 0xff;
  std::copy_n(address.bytes().begin(), 4, bytes.begin() + 12);
  return IpAddress(bytes);
}

void append(EncodedProxyHeader& out, const void* from, std::size_t size) {
  std::memcpy(out.bytes.data() + out.length, from, size);
  out.length += size;
}

void append_u16(EncodedProxyHeader& out, std::uint16_t value) {
  write_u16(MutableBytes(out.bytes).subspan(out.length), value);
  out.length += 2;
}

}  // namespace

std::variant<ProxyHeader, ProxyHeaderState> parse_proxy_header(Bytes begin) {
  const std::string_view text = as_text(begin);
  if (begins_alike(text, kSignatureV2)) {
    return parse_v2(begin);
  }
  if (!begins_alike(text, kSignatureV1)) {
    return ProxyHeaderState::malformed;
  }
  return text.size() < kSignatureV1.size() ? Parsed{ProxyHeaderState::unfinished} : parse_v1(text);
}

EncodedProxyHeader encode_proxy_header(SendProxyProtocol version, const ProxiedConnection& connection) {
  IpAddress source = connection.source.address;
  IpAddress destination = connection.destination.address;
  const bool v4 = source.is_v4() && destination.is_v4();
  if (!v4) {
    source = mapped(source);
    destination = mapped(destination);
  }
  EncodedProxyHeader out;
  if (version == SendProxyProtocol::v1) {
    const std::string line =
        concat(kSignatureV1, v4 ? "TCP4 " : "TCP6 ", to_string(source), ' ', to_string(destination), ' ',
               connection.source.port, ' ', connection.destination.port, "\r\n");
    append(out, line.data(), line.size());
    return out;
  }
  append(out, kSignatureV2.data(), kSignatureV2.size());
  const std::array<std::uint8_t, 2> command_and_family{0x21, static_cast<std::uint8_t>(v4 ? 0x11 : 0x21)};
  append(out, command_and_family.data(), command_and_family.size());
  append_u16(out, v4 ? 12 : 36);
  append(out, source.bytes().data(), source.size());
  append(out, destination.bytes().data(), destination.size());
  append_u16(out, connection.source.port);
  append_u16(out, connection.destination.port);
  return out;
}

}  // namespace tandem::lb::relay
