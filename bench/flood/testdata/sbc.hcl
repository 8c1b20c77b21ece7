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
peer "itsp" {
  realm  = realm.outside
  target = "sip:%[3]s"
}
peer "pbx" {
  realm  = realm.inside
  target = "sip:%[4]s"
}
route "in" {
  from = [peer.itsp]
  to   = [peer.pbx]
}
firewall {
  engine = "%[5]s"
}
telemetry {
  listen    = "%[6]s"
  log_level = "warn"
}
store {
  path = "%[7]s/state.db"
}
console {
  socket = "%[7]s/sbc.sock"
}
