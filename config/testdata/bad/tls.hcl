# TLS that cannot be.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {
    certificate = "testdata/tls/edge.pem" # ERROR: Not for this transport: "certificate" belongs to listen "tls" and listen "wss". Take it out here.
  }
  listen "tcp" {
    origins = ["https://phone.example"] # ERROR: Not for this transport: "origins" belongs to listen "ws" and listen "wss". Take it out here.
  }
  listen "tls" { # ERROR: Missing required argument: The key "certificate" is required here: write certificate = "/etc/sbc/edge.pem".
  }
  listen "ws" {
    key = "testdata/tls/edge.key" # ERROR: Not for this transport: "key" belongs to listen "tls" and listen "wss". Take it out here.
  }
  listen "wss" {
    port        = 8443
    certificate = "testdata/tls/edge.pem" # ERROR: Certificate cannot be used: Tls: private key does not match public key. The certificate with those that vouch for it stands in testdata/tls/edge.pem, its key in testdata/tls/other.key, both as PEM.
    key         = "testdata/tls/other.key"
    clients     = "ask" # ERROR: Unknown word: "clients" cannot be "ask". It is one of: "none", "request", "require".
  }
}
realm "inside" {
  address = "192.168.1.1"
  listen "udp" {}
  listen "tls" {
    certificate = "testdata/tls/old.pem" # WARNING: Certificate has expired: testdata/tls/old.pem was good until 1 January 2026: far ends will refuse it. Renew it; the border takes the new one as soon as the files change.
    key         = "testdata/tls/old.key"
  }
  listen "wss" {
    certificate = "testdata/tls/none.pem" # ERROR: Certificate cannot be used: Open testdata/tls/none.pem: no such file or directory. The certificate with those that vouch for it stands in testdata/tls/none.pem, its key in testdata/tls/none.key, both as PEM.
    key         = "testdata/tls/none.key"
    ca          = "testdata/users.htdigest" # ERROR: Authorities cannot be used: Authorities in testdata/users.htdigest: there is none: the file has to hold certificates in PEM (BEGIN CERTIFICATE).
  }
}
peer "plain" {
  realm  = realm.inside
  target = "sip:192.168.1.10"
  tls { # ERROR: TLS that nobody speaks: The target does not say ;transport=tls, and no name is accepted: write target = "sip:...;transport=tls", or accept = ["sip.itsp.example"] for a peer that connects to us.
    name = "x.example"
  }
}
peer "named" {
  realm  = realm.inside
  target = "sip:192.168.1.11;transport=tls" # ERROR: No way to the target: The target is reached by tls, and realm "inside" has no such listener. Write listen "tls" {} in the realm.
  tls {
    accept = ["named.example", "-"] # ERROR: Nobody asks for its certificate: Peer "named" is known by a certificate, and no listener of its realm asks for one. Write clients = "request" in listen "tls". # ERROR: Not a name: "-" is no name that a certificate has.
  }
}
peer "browser" {
  realm  = realm.inside
  target = "sip:192.168.1.12;transport=wss" # ERROR: Not a target: A peer cannot be reached by wss: browsers connect to us (RFC 7118). Write a target like "sip:192.0.2.10", "sip:[2001:db8::10]" or "sip:sip.itsp.example:5070".
}
