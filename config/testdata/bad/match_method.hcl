# Methods.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}
peer "itsp" {
  realm  = realm.outside
  target = "sip:198.51.100.10"
}

route "a" {
  from = [peer.itsp]
  match {
    method = ["INVTE", "invite", "OPTIONS", "FOO"] # ERROR: Unknown method: "INVTE" is no method. Did you mean "INVITE"? What is routed: "INVITE". # ERROR: Unknown method: "invite" is no method. Did you mean "INVITE"? What is routed: "INVITE". # ERROR: Method is not routed: Outside of a call the SBC answers OPTIONS itself. What is routed: "INVITE". # ERROR: Unknown method: "FOO" is no method. What is routed: "INVITE".
  }
  to = [peer.itsp]
}
route "b" {
  from = [peer.itsp]
  match {
    method = "INVITE" # ERROR: Not a list: "method" is a list: write method = ["INVITE"].
  }
  to = [peer.itsp]
}
