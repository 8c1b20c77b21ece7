# A peer that is ourselves.
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
  target = "sip:203.0.113.7" # ERROR: Target is ourselves: 203.0.113.7:5060 is the listener in line 4: calls would go round in a circle. Write the address of the peer.
}
peer "pbx" {
  realm  = realm.inside
  target = "sip:203.0.113.7:5060;transport=udp" # ERROR: Target is ourselves: 203.0.113.7:5060 is the listener in line 4: calls would go round in a circle. Write the address of the peer.
}
realm "behind" {
  address = "10.0.0.7"
  listen "udp" {
    port = 5070
  }
  advertise {
    signaling = "203.0.113.99"
  }
}
peer "router" {
  realm  = realm.behind
  target = "sip:203.0.113.99:5070" # ERROR: Target is ourselves: 203.0.113.99:5070 is the listener in line 21: calls would go round in a circle. Write the address of the peer.
}
