# A path that the kernel cannot take.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}

console {
  socket = "/run/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" # ERROR: Path too long: The path has 115 octets. The kernel takes at most 107 for a socket.
}
