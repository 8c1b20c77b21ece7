# Interfaces: one that is not there, one with two addresses, one with none.
realm "a" {
  interface = "eht0" # ERROR: No such interface: This machine has no interface "eht0". Did you mean "eth0"? It has: "lo", "eth0", "eth1", "eth2", "eth3", "eth4", "eth5".
  listen "udp" {}
}
realm "b" {
  interface = "eth1" # ERROR: Interface with several addresses: "eth1" has "192.168.1.1", "192.168.2.1". Say which, at most one of each family: write address = "192.168.1.1".
  listen "udp" {}
}
realm "c" {
  interface = "eth2" # ERROR: Interface without an address: "eth2" has no address now that routers forward. Give it one, or write address = ... instead.
  listen "udp" {}
}
realm "several" {
  interface = "eth4" # ERROR: Interface with several addresses: "eth4" has "192.0.2.4", "2001:db8:4::1", "fd00:4::1". Say which, at most one of each family: write address = ["192.0.2.4", "2001:db8:4::1"], or one of the two.
  listen "udp" {}
}
realm "d" {
  interface = "wlan0" # ERROR: No such interface: This machine has no interface "wlan0". It has: "lo", "eth0", "eth1", "eth2", "eth3", "eth4", "eth5".
  listen "udp" {}
}
