# Keys of things that the SBC cannot do are unknown like any other.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}

peer "itsp" {
  realm  = realm.outside
  target = "sip:198.51.100.10"
  register { # ERROR: Unsupported block type: Blocks of type "register" are not expected here. What may stand here: realm, target, sources, domain, redirect, asymmetric, registers, tls, user, tolls, limits.
    user     = "4912345"
    password = "in clear"
  }
}
