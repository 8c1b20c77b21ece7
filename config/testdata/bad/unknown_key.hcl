# Keys that do not exist.
realm "outside" { # ERROR: Realm without address: Say where realm "outside" is: write address = "203.0.113.7" or interface = "eth0".
  adress = "203.0.113.7" # ERROR: Unsupported argument: An argument named "adress" is not expected here. Did you mean "address"?
  listen "udp" {
    prot = 5060 # ERROR: Unsupported argument: An argument named "prot" is not expected here. Did you mean "port"?
  }
  colour = "red" # ERROR: Unsupported argument: An argument named "colour" is not expected here. What may stand here: address, interface, trust, nat, routed, emergency, listen, advertise, media, topology, limits.
}
