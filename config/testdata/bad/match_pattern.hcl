# Patterns.
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
  match {
    user = "^(0" # ERROR: Not a regular expression: Missing closing ): `^(0`.
    host = "a**" # ERROR: Not a regular expression: Invalid nested repetition operator: `**`.
  }
  to = [peer.itsp]
}
route "b" {
  from = [peer.itsp]
  match {
    user  = "(?=x)" # ERROR: Not a regular expression: Invalid or unsupported Perl syntax: `(?=`.
    field = { X-A = "[" } # ERROR: Not a regular expression: Missing closing ]: `[`.
  }
  to = [peer.itsp]
}
route "c" {
  from = [peer.itsp]
  match {
    user = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" # ERROR: Pattern too long: The pattern has 600 octets. At most 512 may be used; split the route in two.
  }
  to = [peer.itsp]
}
