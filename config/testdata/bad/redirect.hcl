# What is done with a 3xx.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}
peer "a" {
  realm    = realm.outside
  target   = "sip:198.51.100.10"
  redirect = "folow" # ERROR: Unknown word: "redirect" cannot be "folow". Did you mean "follow"? It is one of: "pass", "follow".
}
peer "b" {
  realm    = realm.outside
  target   = "sip:198.51.100.11"
  redirect = true # ERROR: Wrong type: "redirect" is a string, not a bool: write redirect = "pass".
}
