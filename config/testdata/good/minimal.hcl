# The least that passes a call: everything else has a default.
realm "outside" {
  interface = "eth0"
  listen "udp" {}
}
realm "inside" {
  address = "192.168.1.1"
  listen "udp" {}
}
peer "itsp" {
  realm  = realm.outside
  target = "sip:sip.itsp.example"
}
peer "pbx" {
  realm  = realm.inside
  target = "sip:192.168.1.10"
}
route "in" {
  from = [peer.itsp]
  to   = [peer.pbx]
}
