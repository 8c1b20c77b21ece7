# Both peers in one realm, on one host, told apart by their ports.
realm "lan" {
  address = "127.0.0.1"
  listen "udp" {
    port = 5061
  }
  media {
    ports = "20000-20001"
  }
}
peer "a" {
  realm  = realm.lan
  target = "sip:127.0.0.2:5062"
}
peer "b" {
  realm  = realm.lan
  target = "sip:127.0.0.2:5064"
}
route "ab" {
  from = [peer.a]
  to   = [peer.b]
}
route "loop" {
  from = [peer.b]
  to   = [peer.b]
}
