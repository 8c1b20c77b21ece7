# Patterns that nothing can match.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}
peer "itsp" {
  realm  = realm.outside
  target = "sip:198.51.100.10"
}

route "anchors" {
  from = [peer.itsp]
  match {
    user  = "0^[1-9]" # ERROR: Pattern matches nothing: No text of at most 256 characters matches this. Nothing stands before ^, which is the beginning of the text, and nothing behind $, which is its end.
    host  = "$x" # ERROR: Pattern matches nothing: No text of at most 256 characters matches this. Nothing stands before ^, which is the beginning of the text, and nothing behind $, which is its end.
    field = { X-A = "^gold$", X-B = "a^b" } # ERROR: Pattern matches nothing: No text of at most 1024 characters matches this. Nothing stands before ^, which is the beginning of the text, and nothing behind $, which is its end.
  }
  to = [peer.itsp]
}
route "boundary" {
  from = [peer.itsp]
  match {
    user = "0\\b0" # ERROR: Pattern matches nothing: No text of at most 256 characters matches this. Nothing stands before ^, which is the beginning of the text, and nothing behind $, which is its end.
  }
  to = [peer.itsp]
}
route "long" {
  from = [peer.itsp]
  match {
    user = "^[0-9]{300}$" # ERROR: Pattern matches nothing: No text of at most 256 characters matches this. Nothing stands before ^, which is the beginning of the text, and nothing behind $, which is its end.
  }
  to = [peer.itsp]
}
route "longest" {
  from = [peer.itsp]
  match {
    user = "^[0-9]{256}$"
  }
  to = [peer.itsp]
}
route "port" {
  from = [peer.itsp]
  match {
    host = "^voice[.]example:5060$" # ERROR: Pattern matches no host: What is compared is the host alone, a name or an address, of IPv6 in brackets: without user, port and parameters. No host matches this.
  }
  to = [peer.itsp]
}
route "uri" {
  from = [peer.itsp]
  match {
    user = "^sip:.*@voice[.]example$" # WARNING: Pattern matches escapes only: What is compared is what stands between "sip:" and "@", with escapes resolved. This wants what stands there only as an escape: @, :, %, quotes, brackets or spaces (RFC 3261 section 25.1).
    host = "^.*@voice[.]example$" # ERROR: Pattern matches no host: What is compared is the host alone, a name or an address, of IPv6 in brackets: without user, port and parameters. No host matches this.
  }
  to = [peer.itsp]
}
route "backslash" {
  from = [peer.itsp]
  match {
    host = "^voice\\\\.example$" # ERROR: Pattern matches no host: What is compared is the host alone, a name or an address, of IPv6 in brackets: without user, port and parameters. No host matches this.
  }
  to = [peer.itsp]
}
route "ip6-port" {
  from = [peer.itsp]
  match {
    host = "^\\[2001:db8::1\\]:5060$" # ERROR: Pattern matches no host: What is compared is the host alone, a name or an address, of IPv6 in brackets: without user, port and parameters. No host matches this.
  }
  to = [peer.itsp]
}
route "ip6" {
  from = [peer.itsp]
  match {
    host = "^\\[2001:db8::1\\]$"
  }
  to = [peer.itsp]
}
route "strip" {
  from = [peer.itsp]
  match {
    user = "^(00|9)$"
  }
  number {
    strip = 2 # ERROR: Nothing is left: No user part that the route matches has more than 2 characters, so that every call would be refused with 404. Take fewer off.
  }
  to = [peer.itsp]
}
route "strip-less" {
  from = [peer.itsp]
  match {
    user = "^(00|9)$"
  }
  number {
    strip = 1
  }
  to = [peer.itsp]
}
