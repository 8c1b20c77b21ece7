# Routes that are never reached, by their methods.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}
peer "itsp" {
  realm  = realm.outside
  target = "sip:198.51.100.10"
}
route "calls" {
  from = [peer.itsp]
  match {
    method = ["INVITE", "REFER"]
  }
  to = [peer.itsp]
}
route "texts" {
  from = [peer.itsp]
  match {
    method = ["MESSAGE"]
  }
  to = [peer.itsp]
}
route "both" { # ERROR: Route is never reached: The first route that matches wins, and all that this one could match is taken by route "texts" (line 17), route "calls" (line 10). Put this one before it, or give that one a match.
  from = [peer.itsp]
  match {
    user   = "^1"
    method = ["MESSAGE", "INVITE"]
  }
  to = [peer.itsp]
}
route "events" {
  from = [peer.itsp]
  match {
    method = ["INVITE", "SUBSCRIBE", "NOTIFY", "PUBLISH", "OPTIONS"]
  }
  to = [peer.itsp]
}
route "rest" { # ERROR: Route is never reached: The first route that matches wins, and all that this one could match is taken by route "calls" (line 10), route "texts" (line 17), route "events" (line 32). Put this one before it, or give that one a match.
  from = [peer.itsp]
  to   = [peer.itsp]
}
