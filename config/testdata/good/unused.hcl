# Good, but hardly meant.
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
peer "old" {
  realm  = realm.outside
  target = "sip:198.51.100.11"
}
route "hairpin" {
  from = [peer.itsp]
  to   = [peer.itsp]
}
limits {
  held_timeout = "10s"
}
