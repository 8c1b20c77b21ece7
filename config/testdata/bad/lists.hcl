# Lists.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}

peer "itsp" {
  realm   = realm.outside
  target  = "sip:198.51.100.10"
  sources = "198.51.100.0/24" # ERROR: Not a list: "sources" is a list: write sources = ["198.51.100.0/24"].
}
peer "other" {
  realm   = realm.outside
  target  = "sip:198.51.100.11"
  sources = [] # ERROR: Empty list: "sources" has at least one element: write sources = ["198.51.100.0/24"], or leave it out.
}
route "in" {
  from = peer.itsp # ERROR: Not a list: "from" is a list: write from = [peer.itsp].
  to   = [] # ERROR: Empty list: "to" has at least one element: write to = [peer.itsp], or leave it out.
}
