# Routes that one of their peers never comes to.
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
endpoints "phones" {
  realm  = realm.outside
  domain = "voice.example"
  to     = peer.pbx
}

route "texts" {
  from = [endpoints.phones]
  match { method = ["MESSAGE"] }
  to = [peer.pbx]
}
route "in" {
  from = [peer.itsp]
  to   = [peer.pbx]
}
route "desk" {
  from = [peer.itsp, endpoints.phones] # WARNING: Route is never reached by one of its peers: The first route that matches wins, and all that peer.itsp could bring here is taken by route "in" (line 29). Put this one before it, give that one a match, or take peer.itsp out of `from`.
  match { user = "^100$" }
  to = [peer.pbx]
}
route "all" {
  from = [endpoints.phones, peer.pbx]
  to   = [peer.itsp]
}
route "help" { # ERROR: Route is never reached: The first route that matches wins, and all that this one could match is taken by route "all" (line 38), route "texts" (line 24), route "in" (line 29). Put this one before it, or give that one a match.
  from = [
    peer.pbx,
    endpoints.phones,
    peer.itsp,
  ]
  to = [peer.itsp]
}
