realm "outside" {
  address = "%[1]s"
  trust   = true                         # nobody is policed: each REGISTER is read
  listen "udp" {}
  media { ports = "10000-59999" }
}
endpoints "phones" {
  realm  = realm.outside
  domain = "voice.example"
  rate   = "100000/s"
  user "1000" {
    ha1 = "%[2]x"
  }
}
telemetry {
  log_level = "error"
}
store {
  path = "%[3]s/state.db"
}
console {
  socket = "%[3]s/sbc.sock"
}
