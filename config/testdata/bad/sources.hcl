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
    "sip.itsp.example", # ERROR: Not a source: "sip.itsp.example" is no address and no prefix. Write one like "198.51.100.0/24" or "2001:db8::/32".
    "0.0.0.0/0", # ERROR: Source is everybody: With "0.0.0.0/0" every stranger would be this peer. Name the networks that it really sends from.
    "::ffff:198.51.100.0/120", # ERROR: IPv4 written as IPv6: Nothing comes from "::ffff:198.51.100.0/120". Write the IPv4 prefix, like "198.51.100.0/24".
    "::/0", # ERROR: Source is everybody: With "::/0" every stranger would be this peer. Name the networks that it really sends from.
    "fe80::/10", # ERROR: Not a source: No peer that calls can be sent to has an address in "fe80::/10". Name the networks that it really sends from.
    "ff00::/8", # ERROR: Not a source: No peer that calls can be sent to has an address in "ff00::/8". Name the networks that it really sends from.
    "2001:db8::1/32", # ERROR: Bits outside of the prefix: "2001:db8::1/32" has bits after the first 32. Write "2001:db8::/32" for the network, or "2001:db8::1" for the one host.
    "::ffff:192.0.2.9", # ERROR: IPv4 written as IPv6: Write "192.0.2.9" instead of "::ffff:192.0.2.9".
    "2001:db8::/32",
    "2001:DB8:0::/32", # ERROR: Named twice: "2001:DB8:0::/32" stands in this list already. Take one of them out.
    "198.51.100.0/33", # ERROR: Not a source: "198.51.100.0/33" is no address and no prefix. Write one like "198.51.100.0/24" or "2001:db8::/32".
    "203.0.113.9",
    "203.0.113.9/32", # ERROR: Named twice: "203.0.113.9/32" stands in this list already. Take one of them out.
    "224.0.0.1", # ERROR: Unusable address: "224.0.0.1" is the address of a group, not of one host.
    realm.outside, # ERROR: Variables not allowed: Variables may not be used here. Write sources = ["198.51.100.0/24"].
  ]
}
