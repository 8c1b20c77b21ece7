# Syntax: the sign is missing.
realm "outside" {
  address "203.0.113.7" # ERROR: Invalid block definition: A block definition must have block content delimited by "{" and "}", starting on the same line as the block header. A key has a sign before its value: name = "value".
  listen "udp" {}
}
