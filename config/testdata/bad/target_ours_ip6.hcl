# Peers that are ourselves, by IPv6.
realm "outside" {
  address = ["203.0.113.7", "2001:db8::7"]
  listen "udp" {}
  listen "tcp" {}
}
realm "behind" {
  address = "fd00::7"
  listen "udp" {}
  advertise {
    signaling = "2001:db8::99"
  }
}
peer "itsp" {
  realm  = realm.outside
  target = "sip:[2001:db8:0::7];transport=tcp" # ERROR: Target is ourselves: [2001:db8::7]:5060 is the listener in line 4: calls would go round in a circle. Write the address of the peer.
}
peer "router" {
  realm  = realm.behind
  target = "sip:[2001:DB8::99]" # ERROR: Target is ourselves: [2001:db8::99]:5060 is the listener in line 9: calls would go round in a circle. Write the address of the peer.
}
