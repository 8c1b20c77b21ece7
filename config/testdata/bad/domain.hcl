# Domains.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}

peer "a" {
  realm  = realm.outside
  target = "sip:198.51.100.10"
  domain = "sip:itsp.example" # ERROR: Not a domain: "sip:itsp.example" is neither a name nor an address. Write domain = "sip.itsp.example".
}
peer "b" {
  realm  = realm.outside
  target = "sip:198.51.100.11"
  domain = "itsp.example:5060" # ERROR: Not a domain: "itsp.example:5060" is neither a name nor an address. Write domain = "sip.itsp.example".
}
peer "c" {
  realm  = realm.outside
  target = "sip:198.51.100.12"
  domain = "-itsp.example" # ERROR: Not a domain: "-itsp.example" is neither a name nor an address. Write domain = "sip.itsp.example".
}
peer "e" {
  realm  = realm.outside
  target = "sip:198.51.100.14"
  domain = "[itsp.example]" # ERROR: Not a domain: "[itsp.example]" is neither a name nor an address. Write domain = "sip.itsp.example".
}
peer "f" {
  realm  = realm.outside
  target = "sip:198.51.100.15"
  domain = "fe80::1%eth0" # ERROR: Not a domain: "fe80::1%eth0" is neither a name nor an address. Write domain = "sip.itsp.example".
}
peer "d" {
  realm  = realm.outside
  target = "sip:198.51.100.13"
  domain = "" # ERROR: Not a domain: "" is neither a name nor an address. Write domain = "sip.itsp.example".
}
