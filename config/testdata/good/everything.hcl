# Every block and every key.
realm "outside" {
  address = "10.0.0.7"
  trust   = false
  nat     = "auto"
  routed  = ["10.64.0.0/10", "fd00::/8"]
  listen "udp" {}
  listen "udp" {
    port    = 5080
    address = "10.0.0.8"
  }
  listen "tcp" {}
  advertise {
    signaling = "203.0.113.7"
    media     = "203.0.113.8"
  }
  media {
    address = "10.0.0.9"
    ports   = "30000-30999"
  }
  topology {
    mask       = "voice.example:5070"
    user_agent = "edge"
    pass       = ["Subject", "X-Trace"]
    remove     = ["X-Billing"]
    add        = { X-Border = "edge", X-Site = "north" }
    audit      = "refuse"
    bodies {
      pass   = ["text/plain"]
      remove = ["application/ISUP", "application/qsig"]
    }
  }
}
realm "border" {
  address = "203.0.113.20"
  listen "tls" {
    certificate  = "testdata/tls/edge.pem"
    key          = "testdata/tls/edge.key"
    clients      = "require"
    client_usage = "server"
    ca           = "testdata/tls/edge.pem"
    connections  = 1000
    per_source   = 10
    also {
      certificate = "testdata/tls/edge.pem"
      key         = "testdata/tls/edge.key"
    }
  }
  listen "wss" {
    certificate = "testdata/tls/edge.pem"
    key         = "testdata/tls/edge.key"
    origins     = ["https://phone.example"]
  }
  listen "ws" {}
}
peer "carrier" {
  realm   = realm.border
  target  = "sip:sip.carrier.example;transport=tls"
  sources = ["198.51.100.0/24"]
  tls {
    name        = "carrier.example"
    accept      = ["SIP.carrier.example"]
    ca          = "testdata/tls/edge.pem"
    certificate = "testdata/tls/edge.pem"
    key         = "testdata/tls/edge.key"
    wildcard    = true
  }
}
realm "inside" {
  emergency = ["110", "112"]
  limits {
    calls     = 300
    rate      = "50/s"
    lines     = 600
    bandwidth = "1Gbit/s"
    answer    = "503"
  }
  interface = "eth0"
  trust     = true
  listen "udp" {}
  topology {
    audit = "count"
  }
}
peer "itsp" {
  realm    = realm.outside
  target   = "sip:SIP.itsp.example:5070;transport=udp"
  sources  = ["198.51.100.0/24", "192.0.2.77"]
  domain   = "voice.itsp.example"
  redirect = "follow"
  tolls {
    prefixes    = ["+49", "110"]
    costly      = ["+49900"]
    costly_rate = "10/h"
    user_calls  = 2
  }
  limits {
    calls     = 30
    rate      = "5/s"
    lines     = 60
    bandwidth = "4Mbit/s"
    answer    = "603"
  }
}
peer "backup" {
  asymmetric = true
  realm  = realm.outside
  target = "sip:198.51.101.10"
}
peer "pbx" {
  realm  = realm.inside
  target = "sip:192.168.1.10:5062"
}
peer "branch" {
  realm     = realm.outside
  registers = true
  domain    = "Desk.example"
  user "branch" {
    ha1            = "0123456789abcdef0123456789abcdef"
    ha1_sha256     = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    ha1_sha512_256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  }
}
peer "shop" {
  realm  = realm.outside
  target = "sip:198.51.102.10"
  domain = "shop.example"
  user "shop" {
    password = env("SBC_TEST_SECRET")
  }
}
endpoints "desks" {
  tolls {
    prefixes    = ["+49"]
    costly      = ["+49900"]
    costly_rate = "1/h"
    user_calls  = 1
  }
  realm  = realm.outside
  domain = "desk.example"
  users  = "testdata/users.htdigest"
  user "103" {
    password       = env("SBC_TEST_SECRET")
  }
  user "104" {
    ha1            = "0123456789abcdef0123456789abcdef"
    ha1_sha256     = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    ha1_sha512_256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  }
  auth {
    algorithms = ["SHA-256"]
    integrity  = true
    nonce_age  = "2m"
  }
}
endpoints "phones" {
  realm       = realm.outside
  domain      = "voice.example"
  to          = peer.pbx
  nat_refresh = "45s"
  expires     = "1h"
  rate        = "50/s"
  contacts    = 5
  limits {
    calls     = 100
    rate      = "10/s"
    lines     = 200
    bandwidth = "20Mbit/s"
    answer    = "403"
  }
}
turn {
  realm       = realm.outside
  port        = 3479
  domain      = "voice.example"
  ports       = "40000-40999"
  secret      = env("SBC_TEST_SECRET")
  users       = { alice = env("SBC_TEST_SECRET") }
  allow       = ["10.1.0.0/16"]
  deny        = ["192.0.2.0/24"]
  allocations = 500
}
firewall {
  engine       = "nftables"
  mode         = "count"
  allow        = ["192.0.2.128/25"]
  honeypots    = ["4711"]
  dictionary   = ["admin"]
  scanners     = ["evil-tool"]
  weights      = { digest_failure = "5", stranger_invite = "2.5" }
  source_rate  = "20/s"
  unknown_rate = "1000/s"
  proven_rate  = "3000/s"
  peer_rate    = "500/s"
  police_score = 10
  ban_score    = 30
  half_life    = "5m"
  ban_first    = "1m"
  ban_longest  = "24h"
  bans         = 500
}
store {
  path = "/srv/sbc/state.db"
}
route "in" {
  from = [peer.itsp, peer.backup]
  match {
    host   = "^voice[.]example$"
    method = ["INVITE", "MESSAGE"]
    field  = { X-Account = "^gold$", "Subject" = "." }
  }
  number {
    strip  = 2
    prefix = "0"
  }
  to = [peer.pbx]
}
route "carrier" {
  from = [peer.carrier]
  to   = [peer.pbx]
}
route "out" {
  from = [peer.pbx, endpoints.desks]
  match {
    user = "^0([1-9][0-9]*)$"
  }
  number {
    replace = "+49$1#$$"
  }
  to = [peer.itsp, peer.backup, peer.branch, peer.shop, endpoints.desks]
}
limits {
  calls         = 500
  ring_timeout  = "2m"
  media_timeout = "never"
  held_timeout  = "1h"
  call_length   = "never"
}
telemetry {
  listen       = "127.0.0.1:9091"
  log_level    = "warn"
  log_format   = "json"
  trace_memory = "1GiB"
}
console {
  socket = "/tmp/sbc.sock"
}
