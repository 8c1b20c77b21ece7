# The socket of the console.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}

console {
  socket = "sbc.sock" # ERROR: Not a path: "sbc.sock" is no path of a file from the root. Write socket = "/run/sbc/sbc.sock".
}
