# Not both of these, though each is good.
realm "outside" {
  address   = "192.0.2.1"
  interface = "eth0" # ERROR: Address given twice: Write either address or interface, not both.
  listen "udp" {}
}
