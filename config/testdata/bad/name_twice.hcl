# The same name twice.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}

realm "outside" { # ERROR: Name used twice: There is a realm "outside" in line 2 already. Give this one another name.
  address = "203.0.113.8"
  listen "udp" {}
}
peer "itsp" {
  realm  = realm.outside
  target = "sip:198.51.100.10"
}

peer "itsp" { # ERROR: Name used twice: There is a peer "itsp" in line 11 already. Give this one another name.
  realm  = realm.outside
  target = "sip:198.51.100.11"
}
route "a" {
  from = [peer.itsp]
  to   = [peer.itsp]
  match {
    user = "^1"
  }
}
route "a" { # ERROR: Name used twice: There is a route "a" in line 20 already. Give this one another name.
  from = [peer.itsp]
  to   = [peer.itsp]
}
