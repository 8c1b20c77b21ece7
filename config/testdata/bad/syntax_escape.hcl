# Syntax: a backslash of a pattern is written twice.
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
    user = "^\+[0-9]+$" # ERROR: Invalid escape sequence: The symbol "+" is not a valid escape sequence selector. In a pattern each backslash is written twice: "^\\+[0-9]+$".
  }
  to = [peer.itsp]
}
