# Media of two realms on one IPv6 address; IPv4 is in nobody's way, nor is TCP.
realm "outside" { # ERROR: Listener among the media ports: The listener in line 15 has port 20002, which is in 20000-29999. Move one of them.
  address = ["203.0.113.7", "2001:db8::7"]
  listen "udp" {}
  listen "tcp" {
    port = 20002
  }
  listen "udp" {
    address = "2001:db8::8"
    port    = 20002
  }
}
realm "inside" { # ERROR: Media ports overlap: Realm "outside" has ports 20000-29999 of 2001:db8::7 too. Write media { ports = ... } with another range in one of them. # ERROR: Listener among the media ports: The listener in line 15 has port 20002, which is in 20000-29999. Move one of them.
  address = "2001:db8::7"
  listen "udp" {
    port = 20002
  }
}
