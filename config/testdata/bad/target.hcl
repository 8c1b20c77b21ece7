# Targets.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}

peer "a" {
  realm  = realm.outside
  target = "198.51.100.10" # ERROR: Not a target: "198.51.100.10" does not begin with "sip:". Write a target like "sip:192.0.2.10", "sip:[2001:db8::10]" or "sip:sip.itsp.example:5070".
}
peer "b" {
  realm  = realm.outside
  target = "sips:198.51.100.10" # ERROR: Not a target: A target by TLS is written "sip:...;transport=tls". Write a target like "sip:192.0.2.10", "sip:[2001:db8::10]" or "sip:sip.itsp.example:5070".
}
peer "c" {
  realm  = realm.outside
  target = "sip:trunk@198.51.100.10" # ERROR: Not a target: A target has no user part: numbers come from the calls. Write a target like "sip:192.0.2.10", "sip:[2001:db8::10]" or "sip:sip.itsp.example:5070".
}
peer "d" {
  realm  = realm.outside
  target = "sip:198.51.100.10;transport=tls" # ERROR: No way to the target: The target is reached by tls, and realm "outside" has no such listener. Write listen "tls" {} in the realm.
}
peer "e" {
  realm  = realm.outside
  target = "sip:198.51.100.10:0" # ERROR: Not a target: "198.51.100.10:0" has no port from 1 to 65535 after the colon. Write a target like "sip:192.0.2.10", "sip:[2001:db8::10]" or "sip:sip.itsp.example:5070".
}
peer "f" {
  realm  = realm.outside
  target = "sip:198.51.100" # ERROR: Not a target: "198.51.100" is neither an address nor a name. Write a target like "sip:192.0.2.10", "sip:[2001:db8::10]" or "sip:sip.itsp.example:5070".
}
peer "g" {
  realm  = realm.outside
  target = "sip:2001:db8::1" # ERROR: Not a target: An IPv6 address stands in brackets: "sip:[2001:db8::1]". Write a target like "sip:192.0.2.10", "sip:[2001:db8::10]" or "sip:sip.itsp.example:5070".
}
peer "h" {
  realm  = realm.outside
  target = "sip:" # ERROR: Not a target: "" is neither an address nor a name. Write a target like "sip:192.0.2.10", "sip:[2001:db8::10]" or "sip:sip.itsp.example:5070".
}
peer "i" {
  realm  = realm.outside
  target = "sip:sip_itsp.example" # ERROR: Not a target: "sip_itsp.example" is neither an address nor a name. Write a target like "sip:192.0.2.10", "sip:[2001:db8::10]" or "sip:sip.itsp.example:5070".
}
peer "j" {
  realm  = realm.outside
  target = "sip:198.51.100.10?Route=x" # ERROR: Not a target: A target has no header fields. Write a target like "sip:192.0.2.10", "sip:[2001:db8::10]" or "sip:sip.itsp.example:5070".
}
peer "l" {
  realm  = realm.outside
  target = "sip:[2001:db8::1" # ERROR: Not a target: "[2001:db8::1" has no port from 1 to 65535 after the colon. Write a target like "sip:192.0.2.10", "sip:[2001:db8::10]" or "sip:sip.itsp.example:5070".
}
peer "m" {
  realm  = realm.outside
  target = "sip:[2001:db8::1]5060" # ERROR: Not a target: "[2001:db8::1]5060" has no port from 1 to 65535 after the colon. Write a target like "sip:192.0.2.10", "sip:[2001:db8::10]" or "sip:sip.itsp.example:5070".
}
peer "n" {
  realm  = realm.outside
  target = "sip:[192.0.2.1]" # ERROR: Not a target: "[192.0.2.1]" is neither an address nor a name. Write a target like "sip:192.0.2.10", "sip:[2001:db8::10]" or "sip:sip.itsp.example:5070".
}
peer "o" {
  realm  = realm.outside
  target = "sip:[fe80::1%25eth0]" # ERROR: Unusable address: "fe80::1%25eth0" is good on one link only (RFC 4291 section 2.5.6), and cannot stand in a URI. Write an address that routers forward.
}
peer "p" {
  realm  = realm.outside
  target = "sip:198.51.100.10;transport=udp;lr" # ERROR: Not a target: The parameter "transport=udp;lr" is not supported, only transport=udp, transport=tcp and transport=tls are. Write a target like "sip:192.0.2.10", "sip:[2001:db8::10]" or "sip:sip.itsp.example:5070".
}
peer "q" {
  realm  = realm.outside
  target = "sip:198.51.100.10;" # ERROR: Not a target: The parameter "" is not supported, only transport=udp, transport=tcp and transport=tls are. Write a target like "sip:192.0.2.10", "sip:[2001:db8::10]" or "sip:sip.itsp.example:5070".
}
peer "r" {
  realm  = realm.outside
  target = "sip:[::ffff:198.51.100.10]" # ERROR: IPv4 written as IPv6: Write "198.51.100.10" instead of "::ffff:198.51.100.10".
}
peer "k" {
  realm  = realm.outside
  target = "sip:255.255.255.255" # ERROR: Unusable address: "255.255.255.255" is the address of a group, not of one host.
}
