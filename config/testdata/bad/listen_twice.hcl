# One address cannot be listened on twice.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
  listen "udp" { # ERROR: Address listened on twice: The listener in line 4 has 203.0.113.7:5060 by udp already. Give this one another port or address.
    port = 5060
  }
}
realm "inside" {
  address = "192.168.1.1"
  listen "udp" { # ERROR: Address listened on twice: The listener in line 4 has 203.0.113.7:5060 by udp already. Give this one another port or address.
    address = "203.0.113.7"
  }
}
