# Fields that a rule cannot be about.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
  topology {
    pass   = ["Via", "P-Asserted-Identity", "Subject", "call-id"] # ERROR: Unusable rule for a field: Field "Via" cannot pass: it belongs to one leg only. # ERROR: Unusable rule for a field: Field "call-id" cannot pass: it belongs to one leg only.
    remove = ["From", "CSeq", "s", "X-A"] # ERROR: Unusable rule for a field: Field "From" cannot be removed: every message needs it (RFC 3261 section 8.1.1). # ERROR: Unusable rule for a field: Field "CSeq" cannot be removed: the message would not work without it. # ERROR: Unusable rule for a field: Field "s" is told to pass and to be removed or added, see sbc.hcl:6.
    add    = { Via = "x", X-Border = "edge" } # ERROR: Unusable rule for a field: Field "Via" cannot be added: it belongs to the dialog or the message itself.
  }
}
