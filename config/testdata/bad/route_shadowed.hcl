# Routes whose patterns match nothing but what earlier ones match.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}
realm "inside" {
  address = "192.168.1.1"
  listen "udp" {}
}
peer "itsp" {
  realm  = realm.outside
  target = "sip:198.51.100.10"
}
peer "pbx" {
  realm  = realm.inside
  target = "sip:192.168.1.10"
}

route "zero" {
  from = [peer.pbx]
  match {
    user = "^0"
  }
  to = [peer.itsp]
}
route "national" { # ERROR: Route is never reached: The first route that matches wins, and all that this one could match is taken by route "zero" (line 19). Put this one before it, or give that one a match.
  from = [peer.pbx]
  match {
    user = "^0([1-9][0-9]+)$"
  }
  to = [peer.itsp]
}
route "digits" {
  from = [peer.pbx]
  match {
    user = "^[0-9]+$"
  }
  to = [peer.itsp]
}
route "four" { # ERROR: Route is never reached: The first route that matches wins, and all that this one could match is taken by route "digits" (line 33). Put this one before it, or give that one a match.
  from = [peer.pbx]
  match {
    user = "^[1-9]\\d{3}$"
    host = "^voice[.]example$"
  }
  to = [peer.itsp]
}
route "gold" {
  from = [peer.pbx]
  match {
    user  = "^\\+"
    host  = "voice"
    field = { X-Account = "gold" }
  }
  to = [peer.itsp]
}
route "not-gold" {
  from = [peer.pbx]
  match {
    user  = "^\\+49"
    host  = "voice"
    field = { X-Account = "silver" }
  }
  to = [peer.itsp]
}
route "not-voice" {
  from = [peer.pbx]
  match {
    user  = "^\\+49"
    field = { X-Account = "^gold$" }
  }
  to = [peer.itsp]
}
route "all-gold" { # ERROR: Route is never reached: The first route that matches wins, and all that this one could match is taken by route "gold" (line 48). Put this one before it, or give that one a match.
  from = [peer.pbx]
  match {
    user  = "^\\+49"
    host  = "^VOICE[.]example$"
    field = { x-account = "^gold$", X-B = "b" }
  }
  to = [peer.itsp]
}
route "everything" {
  from = [peer.pbx]
  match {
    user   = ".*"
    method = ["INVITE", "MESSAGE"]
  }
  to = [peer.itsp]
}
route "calls" { # ERROR: Route is never reached: The first route that matches wins, and all that this one could match is taken by route "everything" (line 83). Put this one before it, or give that one a match.
  from = [peer.pbx]
  match {
    method = ["INVITE"]
  }
  to = [peer.itsp]
}
route "texts-and-states" {
  from = [peer.pbx]
  match {
    method = ["MESSAGE", "PUBLISH"]
  }
  to = [peer.itsp]
}
route "named" {
  from = [peer.itsp]
  match {
    user = "^[a-z]"
  }
  to = [peer.pbx]
}
route "both" { # ERROR: Route is never reached: The first route that matches wins, and all that this one could match is taken by route "named" (line 105), route "everything" (line 83). Put this one before it, or give that one a match.
  from = [peer.itsp, peer.pbx]
  match {
    user   = "^alice$"
    method = ["INVITE"]
  }
  to = [peer.pbx]
}
