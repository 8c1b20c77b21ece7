# A family that signals and has no media is hardly meant; the one error lets all be shown.
realm "outside" {
  address = ["203.0.113.7", "2001:db8::7"]
  listen "udp" {}
  media { # WARNING: Listener without media: Realm "outside" has a listener with IPv6, and media at 203.0.113.7 only. Give media an address of each family.
    address = "203.0.113.7"
  }
}
realm "inside" { # WARNING: Listener without media: Realm "inside" has a listener with IPv6, and media at 192.168.1.1 only. Give media an address of each family.
  address = "192.168.1.1"
  listen "tcp" {
    address = ["192.168.1.1", "fd00::1"]
  }
}
limits {
  calls = -1 # ERROR: Out of range: "calls" is a whole number from 1 to 1000000.
}
