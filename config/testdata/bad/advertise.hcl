# What we advertise are addresses.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
  advertise {
    signaling = "automatic" # ERROR: Not an address: "automatic" is no IP address. Write signaling = "203.0.113.7".
    media     = "0.0.0.0" # ERROR: Unusable address: "0.0.0.0" names no interface, and the far end would be told to send there. Write the address of one interface.
  }
}
