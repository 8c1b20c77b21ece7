# Limits that media ports never come up to, and such as they just do.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
  media {
    ports = "20000-20199"
  }
  limits {
    calls = 100
    lines = 101
  }
}
realm "inside" {
  address = "192.168.1.1"
  listen "udp" {}
  media {
    ports = "20000-20058"
  }
}
realm "wide" {
  address = "192.168.2.1"
  listen "udp" {}
}
peer "itsp" {
  realm  = realm.outside
  target = "sip:198.51.100.10"
  limits {
    calls = 101
    lines = 101
  }
}
peer "pbx" {
  realm  = realm.inside
  target = "sip:192.168.1.10"
  limits {
    calls = 29
    lines = 28
  }
}
peer "wide" {
  realm  = realm.wide
  target = "sip:192.168.2.10"
  limits {
    calls = 100
    lines = 40000
  }
}
peer "gateway" {
  realm  = realm.wide
  target = "sip:192.168.2.11"
  limits {
    calls = 30
  }
}
peer "idle" {
  realm  = realm.wide
  target = "sip:192.168.2.12"
  limits {
    calls = 5000
  }
}
endpoints "phones" {
  realm  = realm.wide
  domain = "voice.example"
  to     = peer.pbx
  limits {
    calls = 129
    lines = 129
  }
}
route "in" {
  from = [peer.itsp]
  to   = [peer.pbx]
}
route "wide" {
  from = [peer.wide]
  to   = [peer.itsp]
}
route "gateway" {
  from = [peer.pbx]
  to   = [peer.gateway]
}
limits {
  calls = 130
}
