# A peer twice in one list.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}
peer "itsp" {
  realm  = realm.outside
  target = "sip:198.51.100.10"
}

route "in" {
  from = [peer.itsp, peer.itsp] # ERROR: Named twice: peer.itsp stands in this list already. Take one of them out.
  to   = [peer.itsp, peer.itsp] # ERROR: Named twice: peer.itsp stands in this list already. Take one of them out.
}
