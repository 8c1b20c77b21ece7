# Sources.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}

peer "itsp" {
  realm  = realm.outside
  target = "sip:198.51.100.10"
  sources = [
    "198.51.100.7/24", # ERROR: Bits outside of the prefix: "198.51.100.7/24" has bits after the first 24. Write "198.51.100.0/24" for the network, or "198.51.100.7" for the one host.
    "sip.itsp.example", # ERROR: Not a source: "sip.itsp.example" is no address and no prefix. Write one like "198.51.100.0/24".
    "0.0.0.0/0", # ERROR: Source is everybody: With "0.0.0.0/0" every stranger would be this peer. Name the networks that it really sends from.
    "2001:db8::/32", # ERROR: IPv6 is not supported: "2001:db8::/32" is an IPv6 prefix. The SBC speaks IPv4.
    "198.51.100.0/33", # ERROR: Not a source: "198.51.100.0/33" is no address and no prefix. Write one like "198.51.100.0/24".
    "203.0.113.9",
    "203.0.113.9/32", # ERROR: Named twice: "203.0.113.9/32" stands in this list already. Take one of them out.
    "224.0.0.1", # ERROR: Unusable address: "224.0.0.1" is the address of a group, not of one host.
    realm.outside, # ERROR: Variables not allowed: Variables may not be used here. Write sources = ["198.51.100.0/24"].
  ]
}
