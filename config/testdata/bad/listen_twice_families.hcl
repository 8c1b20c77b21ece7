# One address cannot be listened on twice by one transport; UDP and TCP are two.
realm "outside" {
  address = ["203.0.113.7", "2001:db8::7"]
  listen "udp" {}
  listen "tcp" {}
  listen "tcp" { # ERROR: Address listened on twice: The listener in line 5 has [2001:db8::7]:5060 by tcp already. Give this one another port or address.
    address = "2001:db8::7"
  }
  listen "udp" { # ERROR: Address listened on twice: The listener in line 4 has 203.0.113.7:5060 by udp already. Give this one another port or address. # ERROR: Address listened on twice: The listener in line 4 has [2001:db8::7]:5060 by udp already. Give this one another port or address.
    port = 5060
  }
}
telemetry {
  listen = "[2001:db8::7]:5060" # ERROR: Address listened on twice: The listener in line 5 has [2001:db8::7]:5060 by tcp already. Write another port for one of them. # ERROR: Address listened on twice: The listener in line 6 has [2001:db8::7]:5060 by tcp already. Write another port for one of them.
}
