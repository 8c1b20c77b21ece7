# Routes behind one that takes everything, or the same.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}
realm "inside" {
  address = "192.168.1.1"
  listen "udp" {}
}
peer "itsp" {
  realm  = realm.outside
  target = "sip:198.51.100.10"
}
peer "pbx" {
  realm  = realm.inside
  target = "sip:192.168.1.10"
}

route "numbers" {
  from = [peer.pbx]
  match {
    user = "^[0-9]+$"
    host = "voice"
  }
  to = [peer.itsp]
}
route "numbers-again" { # ERROR: Route is never reached: The first route that matches wins, and all that this one could match is taken by route "numbers" (line 19). Put this one before it, or give that one a match.
  from = [peer.pbx]
  match {
    user   = "^[0-9]+$"
    host   = "voice"
    method = ["INVITE"]
    field  = { X-A = "b" }
  }
  to = [peer.itsp]
}
route "in" {
  from = [peer.itsp]
  to   = [peer.pbx]
}
route "out" {
  from = [peer.pbx]
  to   = [peer.itsp]
}
route "both" { # ERROR: Route is never reached: The first route that matches wins, and all that this one could match is taken by route "in" (line 37), route "out" (line 41). Put this one before it, or give that one a match.
  from = [peer.itsp, peer.pbx]
  match {
    user = "^112$"
  }
  to = [peer.itsp]
}
