# A reference where there is nothing to refer to.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}
route "in" {
  from = [peer.itsp] # ERROR: Unknown peer: There is no peer "itsp". The file has no peer.
  to   = [peer.pbx] # ERROR: Unknown peer: There is no peer "pbx". The file has no peer.
}
