# A block that does not exist, one that is nearly right, and one of another place.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}

relm "inside" { # ERROR: Unsupported block type: Blocks of type "relm" are not expected here. Did you mean "realm"?
}
balloon { # ERROR: Unsupported block type: Blocks of type "balloon" are not expected here. What may stand here: realm, peer, endpoints, route, limits, telemetry, turn, firewall, store, console.
}
peer "itsp" {
  realm  = realm.outside
  target = "sip:198.51.100.10"
  limit { # ERROR: Unsupported block type: Blocks of type "limit" are not expected here. Did you mean "limits"?
    calls = 3
  }
}
