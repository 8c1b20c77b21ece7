realm "outside" {
  address = "%[1]s"
  listen "udp" {}
  media { ports = "10000-59999" }
}
realm "inside" {
  address = "%[2]s"
  listen "udp" {}
  media { ports = "10000-59999" }
}
peer "pbx" {
  realm  = realm.inside
  target = "sip:%[3]s"
}
endpoints "phones" {
  realm       = realm.outside
  domain      = "voice.example"
  to          = peer.pbx
  nat_refresh = "%[4]ds"
  expires     = "30m"
  rate        = "%[5]d/s"
}
telemetry {
  listen    = "%[6]s"
  log_level = "warn"
}
firewall {                     # all phones come from one address here
  engine       = "none"
  source_rate  = "100000/s"
  unknown_rate = "100000/s"
}
store {
  path = "%[7]s/state.db"
}
console {
  socket = "%[7]s/sbc.sock"
}
