# An advertised address of a family that the realm does not have.
realm "four" {
  address = "203.0.113.7"
  listen "udp" {}
  advertise {
    signaling = "2001:db8::7" # ERROR: Nothing to advertise: "2001:db8::7" is IPv6, and the realm has no listener of that family. Write an address for 203.0.113.7, or give the realm one of each family.
    media     = ["192.0.2.7", "2001:db8::7"] # ERROR: Nothing to advertise: "2001:db8::7" is IPv6, and the realm has no media address of that family. Write an address for 203.0.113.7, or give the realm one of each family.
  }
}
realm "six" {
  address = "2001:db8::8"
  listen "udp" {}
  advertise {
    signaling = "203.0.113.8" # ERROR: Nothing to advertise: "203.0.113.8" is IPv4, and the realm has no listener of that family. Write an address for 2001:db8::8, or give the realm one of each family.
  }
}
