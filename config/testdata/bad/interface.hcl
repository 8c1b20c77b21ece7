# Interfaces: one that is not there, one with two addresses, one with none.
realm "a" {
  interface = "eht0" # ERROR: No such interface: This machine has no interface "eht0". Did you mean "eth0"? It has: "lo", "eth0", "eth1", "eth2".
  listen "udp" {}
}
realm "b" {
  interface = "eth1" # ERROR: Interface with several addresses: "eth1" has "192.168.1.1", "192.168.2.1". Say which one: write address = "192.168.1.1".
  listen "udp" {}
}
realm "c" {
  interface = "eth2" # ERROR: Interface without an address: "eth2" has no IPv4 address now. Give it one, or write address = ... instead.
  listen "udp" {}
}
realm "d" {
  interface = "wlan0" # ERROR: No such interface: This machine has no interface "wlan0". It has: "lo", "eth0", "eth1", "eth2".
  listen "udp" {}
}
