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
route "out" {
  from = [peer.pbx]
  to   = [peer.itsp]
}
limits {
  media_timeout = "10m"
}
firewall {
  peer_rate = "10000/s" # two peers, and as many calls as there can be
}
telemetry {
  log_level = "warn"
}
console {
  socket = "%[5]s"
}
store {
  path = "%[5]s.db"
}
