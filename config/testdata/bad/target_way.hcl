# Targets that no listener of their realm leads to.
realm "four" {
  address = "203.0.113.7"
  listen "udp" {}
}
realm "stream" {
  address = ["203.0.113.8", "2001:db8::8"]
  listen "tcp" {
    address = "203.0.113.8"
  }
}
peer "a" {
  realm  = realm.four
  target = "sip:[2001:db8::10]" # ERROR: No way to the target: The target is IPv6, and realm "four" has no udp listener with an address of that family. Give the realm one of each, as address = ["203.0.113.7", "2001:db8::7"].
}
peer "b" {
  realm  = realm.four
  target = "sip:sip.itsp.example;transport=tcp" # ERROR: No way to the target: The target is reached by tcp, and realm "four" has no such listener. Write listen "tcp" {} in the realm.
}
peer "c" {
  realm  = realm.stream
  target = "sip:sip.itsp.example" # ERROR: No way to the target: Without a transport a target is reached by udp (RFC 3263 section 4.1), and realm "stream" has no such listener. Write "sip:...;transport=tcp", or listen "udp" {} in the realm.
}
peer "d" {
  realm  = realm.stream
  target = "sip:[2001:db8::11]:5061;transport=TCP" # ERROR: No way to the target: The target is IPv6, and realm "stream" has no tcp listener with an address of that family. Give the realm one of each, as address = ["203.0.113.7", "2001:db8::7"].
}
peer "e" {
  realm  = realm.stream
  target = "sip:sip.itsp.example;transport=udp" # ERROR: No way to the target: The target is reached by udp, and realm "stream" has no such listener. Write listen "udp" {} in the realm.
}
