# Lists of addresses: one of each family.
realm "two" {
  address = ["203.0.113.7", "203.0.113.8"] # ERROR: Two addresses of one family: "203.0.113.7" and "203.0.113.8" are both IPv4. "address" takes one IPv4 and one IPv6 address: write address = ["203.0.113.7", "2001:db8::7"].
  listen "udp" {}
}
realm "three" {
  address = ["203.0.113.9", "2001:db8::9", "2001:db8::a"] # ERROR: Two addresses of one family: "2001:db8::9" and "2001:db8::a" are both IPv6. "address" takes one IPv4 and one IPv6 address: write address = ["203.0.113.7", "2001:db8::7"].
  listen "udp" {}
}
realm "none" {
  address = [] # ERROR: Empty list: "address" has at least one element: write address = ["203.0.113.7", "2001:db8::7"], or leave it out.
  listen "udp" {}
}
realm "number" {
  address = ["203.0.113.10", 7] # ERROR: Wrong type: "address" is a string, not a number: write address = ["203.0.113.7", "2001:db8::7"].
  listen "udp" {}
}
realm "object" {
  address = { ip4 = "203.0.113.11" } # ERROR: Wrong type: "address" is a string, not a object: write address = "203.0.113.7".
  listen "udp" {}
}
realm "parts" {
  address = "203.0.113.12"
  listen "udp" {
    address = ["203.0.113.13", "203.0.113.14"] # ERROR: Two addresses of one family: "203.0.113.13" and "203.0.113.14" are both IPv4. "address" takes one IPv4 and one IPv6 address: write address = ["203.0.113.7", "2001:db8::7"].
  }
  media {
    address = ["203.0.113.15", "sbc.example"] # ERROR: Not an address: "sbc.example" is no IP address. Write address = "203.0.113.7".
  }
  advertise {
    signaling = ["203.0.113.16", "203.0.113.17"] # ERROR: Two addresses of one family: "203.0.113.16" and "203.0.113.17" are both IPv4. "signaling" takes one IPv4 and one IPv6 address: write signaling = ["203.0.113.7", "2001:db8::7"].
  }
}
