# Blocks that need a name, and one that has too many.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}

peer { # ERROR: Missing name for peer: All peer blocks must have 1 labels (name).
  realm  = realm.outside
  target = "sip:198.51.100.10"
}
route "in" "out" { # ERROR: Extraneous label for route: Only 1 labels (name) are expected for route blocks.
}
limits "all" { # ERROR: Extraneous label for limits: No labels are expected for limits blocks.
}
