# Syntax: a one-line block holds one argument at most.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" { port = 5060, address = "203.0.113.7" } # ERROR: Invalid single-argument block definition: Single-line block syntax can include only one argument definition. To define multiple arguments, use the multi-line block syntax with one argument definition per line.
}
