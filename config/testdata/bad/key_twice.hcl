# A key twice.
realm "outside" {
  address = "203.0.113.7"
  address = "203.0.113.8" # ERROR: Attribute redefined: The argument "address" was already set at sbc.hcl:3,3-10. Each argument may be set only once.
  listen "udp" {}
}
