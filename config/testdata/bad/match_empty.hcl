# A match that matches everything should not be written.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}
peer "itsp" {
  realm  = realm.outside
  target = "sip:198.51.100.10"
}

route "a" {
  from = [peer.itsp]
  match {} # ERROR: Empty match: A match without keys matches everything. Write user, host, method or field in it, or leave it out.
  to = [peer.itsp]
}
route "b" {
  from = [peer.itsp]
  match {
    user = "" # ERROR: Empty pattern: An empty pattern matches everything. Leave the key out instead.
  }
  number {} # ERROR: Empty number: A number block without keys changes nothing. Write strip, prefix or replace in it, or leave it out.
  to = [peer.itsp]
}
