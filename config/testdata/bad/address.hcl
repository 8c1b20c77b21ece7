# Addresses that no host has, or that cannot be used here.
realm "a" {
  address = "sbc.example" # ERROR: Not an address: "sbc.example" is no IP address. Write address = "203.0.113.7".
  listen "udp" {}
}
realm "b" {
  address = "::ffff:192.0.2.1" # ERROR: IPv4 written as IPv6: Write "192.0.2.1" instead of "::ffff:192.0.2.1".
  listen "udp" {}
}
realm "c" {
  address = "0.0.0.0" # ERROR: Unusable address: "0.0.0.0" names no interface, and the far end would be told to send there. Write the address of one interface.
  listen "udp" {}
}
realm "d" {
  address = "224.0.1.75" # ERROR: Unusable address: "224.0.1.75" is the address of a group, not of one host.
  listen "udp" {}
}
realm "f" {
  address = "fe80::1" # ERROR: Unusable address: "fe80::1" is good on one link only (RFC 4291 section 2.5.6), and cannot stand in a URI. Write an address that routers forward.
  listen "udp" {}
}
realm "g" {
  address = "2001:db8::1%eth0" # ERROR: Unusable address: "2001:db8::1%eth0" is good on one link only (RFC 4291 section 2.5.6), and cannot stand in a URI. Write an address that routers forward.
  listen "udp" {}
}
realm "h" {
  address = "::" # ERROR: Unusable address: "::" names no interface, and the far end would be told to send there. Write the address of one interface.
  listen "udp" {}
}
realm "i" {
  address = "ff02::1" # ERROR: Unusable address: "ff02::1" is the address of a group, not of one host.
  listen "udp" {}
}
realm "j" {
  address = "[2001:db8::1]" # ERROR: Not an address: "[2001:db8::1]" is no IP address. Write address = "203.0.113.7".
  listen "udp" {}
}
realm "e" {
  address = "203.0.113.7"
  listen "udp" {
    address = "203.0.113.300" # ERROR: Not an address: "203.0.113.300" is no IP address. Write address = "203.0.113.7".
  }
}
