# Addresses that no host has, or that cannot be used here.
realm "a" {
  address = "sbc.example" # ERROR: Not an address: "sbc.example" is no IP address. Write address = "203.0.113.7".
  listen "udp" {}
}
realm "b" {
  address = "2001:db8::1" # ERROR: IPv6 is not supported: "2001:db8::1" is an IPv6 address. The SBC speaks IPv4.
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
realm "e" {
  address = "203.0.113.7"
  listen "udp" {
    address = "203.0.113.300" # ERROR: Not an address: "203.0.113.300" is no IP address. Write address = "203.0.113.7".
  }
}
