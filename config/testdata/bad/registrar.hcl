# Endpoints whose registrar is nowhere.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}
peer "branch" {
  realm     = realm.outside
  domain    = "voice.example"
  registers = true
  user "branch" {
    password = env("SBC_TEST_SECRET")
  }
}
endpoints "phones" {
  realm  = realm.outside
  domain = "voice.example"
  to     = peer.branch # ERROR: Registrar without an address: peer.branch registers here itself and has no target that a REGISTER could be sent to. Name a peer with a target, or leave `to` out: then they register here.
}
