# Rules for strangers that cannot be.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}
firewall { # ERROR: Banned before it is policed: A source is banned from a score of 30 and policed from 50. Write a ban_score of at least the police_score. # ERROR: Longest ban is the shortest: The first ban takes 2h0m0s, and none is longer than 1h0m0s. Write a ban_longest of at least ban_first.
  engine       = "iptables" # ERROR: Unknown word: "engine" cannot be "iptables". Did you mean "nftables"? It is one of: "auto", "xdp", "tcx", "clsact", "nftables", "none".
  mode         = "watch" # ERROR: Unknown word: "mode" cannot be "watch". It is one of: "act", "count".
  allow        = ["192.0.2.1/24"] # ERROR: Not a prefix: "192.0.2.1/24" is no prefix. Write one like "10.0.0.0/8" or "fd00::/8", without bits behind its length.
  scanners     = ["ab"] # ERROR: Not a name of a tool: "ab" has fewer than 3 or more than 64 octets: write a part of a User-Agent by which a scanner is known.
  weights      = { digest_failures = "5", honeypot = "lots" } # ERROR: Unknown offence: "digest_failures" is none. Did you mean "digest_failure"? They are: "stranger_invite", "stranger_register", "stranger_options", "stranger_other", "digest_failure", "dictionary_user", "scanner", "tool", "honeypot", "malformed". # ERROR: Not a weight: "lots" is no number from 0 to 1000000.
  source_rate  = "30" # ERROR: Not a rate: "30" is no rate. Write a whole number from 1 to 100000 with its unit, like "100/s".
  police_score = 50
  ban_score    = 30
  ban_first    = "2h"
  ban_longest  = "1h"
}
