# Rewriting of numbers.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}
peer "itsp" {
  realm  = realm.outside
  target = "sip:198.51.100.10"
}

route "a" {
  from = [peer.itsp]
  match {
    user = "^0([0-9]+)$"
  }
  number {
    strip   = 1
    replace = "+49$1" # ERROR: Replace stands alone: replace makes the whole user part anew. Leave strip and prefix out.
  }
  to = [peer.itsp]
}
route "b" {
  from = [peer.itsp]
  match {
    user = "^1"
  }
  number {
    strip  = 0 # ERROR: Out of range: "strip" is a whole number from 1 to 32.
    prefix = "+49 " # ERROR: Character that is in no number: ' ' cannot stand in a number here. What can: digits, letters and + - _ . * #.
  }
  to = [peer.itsp]
}
route "c" {
  from = [peer.itsp]
  match {
    host = "x"
  }
  number {
    replace = "+49$1" # ERROR: Nothing to replace: replace uses the groups of the route's match. Write match { user = "^0([1-9][0-9]*)$" } too.
  }
  to = [peer.itsp]
}
route "d" {
  from = [peer.itsp]
  match {
    user = "^2([0-9]+)$"
  }
  number {
    replace = "$2" # ERROR: Unusable replacement: There is no group $2: the pattern for the user has 1.
  }
  to = [peer.itsp]
}
route "e" {
  from = [peer.itsp]
  match {
    user = "^3([0-9]+)$"
  }
  number {
    replace = "+$x" # ERROR: Unusable replacement: After a $ comes a digit, or a second $ for the character itself.
  }
  to = [peer.itsp]
}
route "f" {
  from = [peer.itsp]
  match {
    user = "^4(" # ERROR: Not a regular expression: Missing closing ): `^4(`.
  }
  number {
    prefix  = "" # ERROR: Empty text: An empty text changes nothing. Leave the key out.
  }
  to = [peer.itsp]
}
route "g" {
  from = [peer.itsp]
  number {
    prefix = "11111111111111111111111111111111111111111111111111111111111111111" # ERROR: Text too long: The text has 65 octets. At most 64 may be used.
  }
  to = [peer.itsp]
}
