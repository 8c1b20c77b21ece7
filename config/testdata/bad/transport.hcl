# Transports.
realm "outside" {
  address = "203.0.113.7"
  listen "upd" {} # ERROR: Unknown transport: A listener cannot be "upd". Did you mean "udp"? It is one of: "udp", "tcp".
  listen "tls" { # ERROR: Unknown transport: A listener cannot be "tls". Did you mean "tcp"? It is one of: "udp", "tcp".
    port = 5061
  }
  listen "UDP" { # ERROR: Unknown transport: A listener cannot be "UDP". Did you mean "udp"? It is one of: "udp", "tcp".
    port = 5062
  }
}
