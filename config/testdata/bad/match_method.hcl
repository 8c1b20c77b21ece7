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
    method = ["INVTE", "invite", "OPTIONS", "FOO", "BYE", "REGISTER", "OPTIONS"] # ERROR: Unknown method: "INVTE" is no method. Did you mean "INVITE"? What is routed: "INVITE", "MESSAGE", "SUBSCRIBE", "PUBLISH", "NOTIFY", "OPTIONS", "REFER". # ERROR: Unknown method: "invite" is no method. Did you mean "INVITE"? What is routed: "INVITE", "MESSAGE", "SUBSCRIBE", "PUBLISH", "NOTIFY", "OPTIONS", "REFER". # ERROR: Unknown method: "FOO" is no method. What is routed: "INVITE", "MESSAGE", "SUBSCRIBE", "PUBLISH", "NOTIFY", "OPTIONS", "REFER". # ERROR: Method is not routed: BYE belongs to a call and goes where that went. What is routed: "INVITE", "MESSAGE", "SUBSCRIBE", "PUBLISH", "NOTIFY", "OPTIONS", "REFER". # ERROR: Method is not routed: The SBC answers REGISTER itself. What is routed: "INVITE", "MESSAGE", "SUBSCRIBE", "PUBLISH", "NOTIFY", "OPTIONS", "REFER". # ERROR: Named twice: "OPTIONS" stands in this list already. Take one of them out.
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
