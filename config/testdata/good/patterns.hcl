# Patterns that are hardly meant, and patterns that look alike and are.
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
route "address" {
  from = [peer.itsp]
  match {
    user = "^alice@voice[.]example$"
  }
  to = [peer.pbx]
}
route "escape" {
  from = [peer.itsp]
  match {
    user = "^%2B49"
  }
  to = [peer.pbx]
}
route "help" {
  from = [peer.itsp, peer.pbx]
  match {
    user = "^urn:service:sos"
  }
  to = [peer.pbx]
}
route "literal" {
  from = [peer.pbx]
  match {
    host = "^\\[2001:db8::1\\]$"
  }
  to = [peer.itsp]
}
route "tel" {
  from = [peer.pbx]
  match {
    host = "^\\+49[0-9()-]+$"
  }
  to = [peer.itsp]
}
route "nine" {
  from = [peer.pbx]
  match {
    user = "^[0-9]{2,9}$"
  }
  to = [peer.itsp]
}
route "ten" {
  from = [peer.pbx]
  match {
    user = "^[0-9]{2,10}$"
  }
  to = [peer.itsp]
}
route "line" {
  from = [peer.itsp]
  match {
    user = "^.*$"
  }
  to = [peer.pbx]
}
route "rest" {
  from = [peer.itsp]
  to   = [peer.pbx]
}
route "no-colon" {
  from = [peer.pbx]
  match {
    user = "^[^:]*x"
  }
  to = [peer.itsp]
}
route "x" {
  from = [peer.pbx]
  match {
    user = "x"
  }
  to = [peer.itsp]
}
