# Transports.
realm "outside" {
  address = "203.0.113.7"
  listen "upd" {} # ERROR: Unknown transport: A listener cannot be "upd". Did you mean "udp"? It is one of: "udp", "tcp", "tls", "ws", "wss".
  listen "tls" { # ERROR: Missing required argument: The key "certificate" is required here: write certificate = "/etc/sbc/edge.pem".
    port = 5061
  }
  listen "UDP" { # ERROR: Unknown transport: A listener cannot be "UDP". Did you mean "udp"? It is one of: "udp", "tcp", "tls", "ws", "wss".
    port = 5062
  }
}
