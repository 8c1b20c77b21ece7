# References to what is not there.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}
realm "inside" {
  address = "192.168.1.1"
  listen "udp" {}
}

peer "itsp" {
  realm  = realm.outsied # ERROR: Unknown realm: There is no realm "outsied". Did you mean realm.outside? The realms are: realm.outside, realm.inside.
  target = "sip:198.51.100.10"
}
peer "pbx" {
  realm  = realm.lan # ERROR: Unknown realm: There is no realm "lan". The realms are: realm.outside, realm.inside.
  target = "sip:192.168.1.10"
}
route "in" {
  from = [peer.itps] # ERROR: Unknown peer: There is no peer "itps". Did you mean peer.itsp? The peers are: peer.itsp, peer.pbx.
  to   = [peer.carrier] # ERROR: Unknown peer: There is no peer "carrier". The peers are: peer.itsp, peer.pbx.
}
