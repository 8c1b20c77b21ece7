# References that are none.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}

peer "itsp" {
  realm  = "outside" # ERROR: Not a reference: "realm" refers to a realm: write realm.outside, without quotes.
  target = "sip:198.51.100.10"
}
peer "other" {
  realm  = outside # ERROR: Not a reference: "realm" refers to a realm, as realm.NAME. Did you mean realm.outside? The realms are: realm.outside.
  target = "sip:198.51.100.11"
}
route "in" {
  from = [peer["itsp"]] # ERROR: Not a reference: "from" refers to a peer by its name. The peers are: peer.itsp, peer.other.
  to   = ["peer.itsp"] # ERROR: Not a reference: "to" refers to a peer: write peer.itsp, without quotes.
}
route "out" {
  from = [peer.itsp.all] # ERROR: Not a reference: "from" refers to a peer, as peer.NAME. Did you mean peer.itsp? The peers are: peer.itsp, peer.other.
  to   = [1, realm.outside] # ERROR: Not a reference: "to" refers to a peer by its name, without quotes. The peers are: peer.itsp, peer.other. # ERROR: Not a reference: "to" refers to a peer, as peer.NAME. The peers are: peer.itsp, peer.other.
}
