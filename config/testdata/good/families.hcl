# Both families and both transports; a realm of IPv6 alone; one by its interface.
realm "outside" {
  address = ["2001:db8::7", "10.0.0.7"]
  listen "udp" {}
  listen "tcp" {}
  listen "tcp" {
    port    = 5080
    address = "2001:db8::8"
  }
  advertise {
    signaling = ["203.0.113.7", "2001:db8::6"]
    media     = "203.0.113.8"
  }
}
realm "core" {
  address = ["fd00::1"]
  listen "udp" {
    port = 5070
  }
  topology {
    mask = "[2001:db8::7]:5070"
  }
}
realm "inside" {
  interface = "eth3"
  listen "tcp" {}
  advertise {
    signaling = "198.51.100.3"
    media     = ["198.51.100.4", "2001:db8:3::4"]
  }
  media {
    address = ["192.0.2.33", "2001:db8:3::33"]
    ports   = "30000-30999"
  }
}
realm "lab" {
  interface = "eth5"
  listen "udp" {}
  listen "tcp" {}
}
peer "itsp" {
  realm   = realm.outside
  target  = "sip:[2001:DB8:0::10]:5070;transport=TCP"
  sources = ["2001:db8:10::/48", "2001:db8::10", "198.51.100.0/24"]
}
peer "open" {
  realm  = realm.outside
  target = "sip:sip.itsp.example"
}
peer "datagram" {
  realm    = realm.core
  target   = "SIP:[fd00::10];Transport=udp"
  domain   = "[2001:db8::aa]"
  redirect = "pass"
}
peer "pbx" {
  realm  = realm.inside
  target = "sip:pbx.example;transport=tcp"
}
peer "gateway" {
  realm  = realm.lab
  target = "sip:gateway.example"
}
route "texts" {
  from = [peer.itsp]
  match {
    method = ["MESSAGE", "SUBSCRIBE", "PUBLISH", "NOTIFY", "OPTIONS", "REFER"]
  }
  to = [peer.pbx, peer.gateway]
}
route "calls" {
  from = [peer.itsp, peer.open]
  to   = [peer.pbx, peer.datagram]
}
