# Limits of a peer.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}

peer "a" {
  realm  = realm.outside
  target = "sip:198.51.100.10"
  limits {
    calls = 0 # ERROR: Out of range: "calls" is a whole number from 1 to 1000000.
  }
}
peer "b" {
  realm  = realm.outside
  target = "sip:198.51.100.11"
  limits {
    call = 3 # ERROR: Unsupported argument: An argument named "call" is not expected here. Did you mean "calls"?
  }
}
