# The metrics would be in the place of a listener.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {
    port = 9090
  }
  listen "tcp" {
    port = 9090
  }
}
telemetry {
  listen = "0.0.0.0:9090" # ERROR: Address listened on twice: The listener in line 7 has 203.0.113.7:9090 by tcp already. Write another port for one of them.
}
