# Ways that lead nowhere, and such as only look so.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}
realm "inside" {
  address = "192.168.1.1"
  listen "udp" {}
}
realm "branches" {
  address = ["192.168.2.1", "2001:db8::7"]
  listen "udp" {
    address = "192.168.2.1"
  }
  listen "tcp" {
    address = "2001:db8::7"
  }
}
peer "itsp" {
  realm    = realm.outside
  target   = "sip:198.51.100.10"
  sources  = ["198.51.100.32/28", "2001:db8:10::/48"]
  redirect = "follow"
}
peer "other" {
  realm   = realm.outside
  target  = "sip:198.51.101.10"
  sources = ["198.51.102.0/24"]
}
peer "other-in" {
  realm   = realm.outside
  target  = "sip:sip.other.example"
  sources = ["198.51.101.0/24"]
}
peer "proven" {
  realm   = realm.outside
  target  = "sip:198.51.103.10"
  sources = ["198.51.104.0/24"]
  domain  = "proven.example"
  user "proven" {
    password = env("SBC_TEST_SECRET")
  }
}
peer "everywhere" {
  realm   = realm.outside
  target  = "sip:198.51.105.10"
  sources = ["198.51.105.0/24", "192.168.0.0/16"]
}
peer "pbx" {
  realm   = realm.inside
  target  = "sip:192.168.1.10"
  sources = ["192.168.1.0/24"]
}
peer "here" {
  realm   = realm.inside
  target  = "sip:192.168.1.1:5070"
  sources = ["192.168.1.1"]
}
peer "mistaken" {
  realm   = realm.inside
  target  = "sip:192.168.1.11"
  sources = ["203.0.113.7", "192.168.1.11"]
}
peer "six" {
  realm   = realm.branches
  target  = "sip:[2001:db8::10];transport=tcp"
  sources = ["2001:db8::/64", "192.168.2.10"]
}
realm "registered" {
  address = "203.0.113.8"
  listen "udp" {}
}
peer "branch" {
  realm     = realm.registered
  domain    = "voice.example"
  registers = true
  redirect  = "follow"
  user "branch" {
    password = env("SBC_TEST_SECRET")
  }
}
endpoints "desks" {
  realm  = realm.registered
  domain = "desk.example"
  user "100" {
    password = env("SBC_TEST_SECRET")
  }
  user "101" {
    password = env("SBC_TEST_SECRET")
  }
}
route "nobody" {
  from = [peer.pbx]
  match {
    user = "^2[0-9]{2}$"
  }
  to = [endpoints.desks]
}
route "somebody" {
  from = [peer.pbx]
  match {
    user = "^1[0-9]{2}$"
  }
  to = [endpoints.desks]
}
route "shorter" {
  from = [peer.pbx]
  match {
    user = "^81[0-9]{2}$"
  }
  number {
    strip = 1
  }
  to = [endpoints.desks]
}
route "all" {
  from = [peer.itsp, peer.other, peer.other-in, peer.proven, peer.everywhere, peer.pbx, peer.here, peer.mistaken, peer.six, peer.branch, endpoints.desks]
  to   = [peer.pbx]
}
