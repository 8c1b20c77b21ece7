# Media of two realms on one address.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}
realm "inside" {
  address = "203.0.113.7"
  listen "udp" {
    port = 5062
  }
  media { # ERROR: Media ports overlap: Realm "outside" has ports 20000-29999 of 203.0.113.7 too. Write media { ports = ... } with another range in one of them.
    ports = "29998-31001"
  }
}
realm "third" { # ERROR: Media ports overlap: Realm "outside" has ports 20000-29999 of 203.0.113.7 too. Write media { ports = ... } with another range in one of them. # ERROR: Media ports overlap: Realm "inside" has ports 29998-31001 of 203.0.113.7 too. Write media { ports = ... } with another range in one of them.
  address = "203.0.113.7"
  listen "udp" {
    port = 5064
  }
}
