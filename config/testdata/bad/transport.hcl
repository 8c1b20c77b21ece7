# Transports.
realm "outside" {
  address = "203.0.113.7"
  listen "upd" {} # ERROR: Unknown transport: A listener cannot be "upd". Did you mean "udp"? It is one of: "udp".
  listen "tls" { # ERROR: Unknown transport: A listener cannot be "tls". It is one of: "udp".
    port = 5061
  }
  listen "UDP" { # ERROR: Unknown transport: A listener cannot be "UDP". Did you mean "udp"? It is one of: "udp".
    port = 5062
  }
}
