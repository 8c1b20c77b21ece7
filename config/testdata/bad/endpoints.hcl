# Endpoints that cannot be.
realm "outside" {
  address = "203.0.113.7"
  nat     = "on" # ERROR: Unknown word: "nat" cannot be "on". Did you mean "off"? It is one of: "auto", "off".
  routed  = ["10.1.2.3/8"] # ERROR: Not a prefix: "10.1.2.3/8" is no prefix. Write one like "10.0.0.0/8" or "fd00::/8", without bits behind its length.
  listen "udp" {}
}
peer "pbx" {
  realm  = realm.outside
  target = "sip:198.51.100.10"
}
endpoints "none" { # ERROR: Missing required argument: The key "realm" is required here: write realm = realm.NAME.
  domain = "a.example"
  to     = peer.pbx
}
endpoints "pbx" { # ERROR: Name used twice: There is a peer "pbx" already. Calls and metrics show both by their names: give this one another.
  realm  = realm.outside
  domain = "b.example"
  to     = peer.pbx
}
endpoints "phones" { # ERROR: Shorter than nat_refresh: The registrar is asked for 1m0s, and phones come every 2m0s. Write an expires of at least that.
  realm       = realm.outside
  domain      = "c.example"
  to          = endpoints.none # ERROR: Not a reference: "to" refers to a peer, as peer.NAME. The peers are: peer.pbx.
  nat_refresh = "2m"
  expires     = "1m"
  rate        = "fast" # ERROR: Not a rate: "fast" is no rate. Write a whole number from 1 to 100000 with its unit, like "100/s".
}
route "home" {
  from = [peer.pbx, endpoints.phone] # ERROR: Unknown endpoints: There is no endpoints "phone". Did you mean endpoints.phones? The endpoints are: endpoints.none, endpoints.pbx, endpoints.phones.
  to   = [peer.pbx]
}
store {
  path = "state.db" # ERROR: Not a path of a file: "state.db" is none. Write it from the root on, like path = "/var/lib/sbc/state.db".
}
