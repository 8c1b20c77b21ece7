# Numbers out of range.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {
    port = 0 # ERROR: Out of range: "port" is a whole number from 1 to 65535.
  }
  listen "udp" {
    port = 70000 # ERROR: Out of range: "port" is a whole number from 1 to 65535.
  }
  listen "udp" {
    port = 5060.5 # ERROR: Out of range: "port" is a whole number from 1 to 65535.
  }
  listen "udp" {
    port = 1e99999 # ERROR: Out of range: "port" is a whole number from 1 to 65535.
  }
  listen "udp" {
    port = -5060 # ERROR: Out of range: "port" is a whole number from 1 to 65535.
  }
}
limits {
  calls = 0 # ERROR: Out of range: "calls" is a whole number from 1 to 1000000.
}
