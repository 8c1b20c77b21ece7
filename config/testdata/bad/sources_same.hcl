# Two peers that nothing tells apart. The third has another port.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}

peer "a" {
  realm  = realm.outside
  target = "sip:198.51.100.10"
}
peer "b" {
  realm  = realm.outside
  target = "sip:198.51.100.10" # ERROR: Two peers with one source: Peer "a" sends from 198.51.100.10/32 in this realm too, so a message could be from either. Name other sources, or make them one peer.
}
peer "c" {
  realm  = realm.outside
  target = "sip:198.51.100.10:5070"
}
peer "six" {
  realm  = realm.outside
  target = "sip:sip.six.example"
  sources = ["2001:db8::10/128"]
}
peer "six-again" {
  realm  = realm.outside
  target = "sip:sip.six.example"
  sources = ["2001:db8::10"] # ERROR: Two peers with one source: Peer "six" sends from 2001:db8::10/128 in this realm too, so a message could be from either. Name other sources, or make them one peer.
}
peer "d" {
  realm   = realm.outside
  target  = "sip:sip.itsp.example"
  sources = ["192.0.2.0/24", "198.51.100.10"] # ERROR: Two peers with one source: Peer "a" sends from 198.51.100.10/32 in this realm too, so a message could be from either. Name other sources, or make them one peer.
}
