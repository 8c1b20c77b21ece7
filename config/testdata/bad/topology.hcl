# What a realm may see.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
  topology {
    audit      = "scrubb" # ERROR: Unknown word: "audit" cannot be "scrubb". Did you mean "scrub"? It is one of: "scrub", "count", "refuse".
    mask       = "voice example" # ERROR: Not a host: "voice example" can stand for no host. Write a domain or an address, with a port if need be: "voice.example".
    user_agent = 3 # ERROR: Wrong type: "user_agent" is a string, not a number: write user_agent = "edge".
    remove     = "Subject" # ERROR: Not a list: "remove" is a list: write remove = ["X-Billing"].
  }
}
realm "inside" {
  address = "192.168.1.1"
  listen "udp" {}
  topology {
    audit = "off" # ERROR: Unknown word: "audit" cannot be "off". It is one of: "scrub", "count", "refuse".
    mask  = "voice.example:0" # ERROR: Not a host: "voice.example:0" can stand for no host. Write a domain or an address, with a port if need be: "voice.example".
    pass   = ["Subject", "X Y"] # ERROR: Unusable rule for a field: Field "X Y" is no name of a header field (RFC 3261 section 25.1).
    remove = ["X-A", "subject"] # ERROR: Unusable rule for a field: Field "subject" is told to pass and to be removed or added, see sbc.hcl:18.
    add    = { X-Border = "a", "X Z" = "b" } # ERROR: Unusable rule for a field: Field "X Z" is no name of a header field (RFC 3261 section 25.1).
  }
}
