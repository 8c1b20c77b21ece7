# A listener among the media ports of its address.
realm "outside" { # ERROR: Listener among the media ports: The listener in line 5 has port 25060, which is in 20000-29999. Move one of them.
  address = "203.0.113.7"
  listen "udp" {}
  listen "udp" {
    port = 25060
  }
}
realm "inside" {
  address = "192.168.1.1"
  listen "udp" {}
  media { # ERROR: Listener among the media ports: The listener in line 11 has port 5060, which is in 5000-6000. Move one of them.
    ports = "5000-6000"
  }
}
