# There are no functions and no variables.
realm "outside" {
  address = env("ADDRESS") # ERROR: Function calls not allowed: Functions may not be called here. Write address = "203.0.113.7".
  listen "udp" {
    port = port # ERROR: Variables not allowed: Variables may not be used here. Write port = 5060.
  }
  media {
    ports = "${first}-29999" # ERROR: Variables not allowed: Variables may not be used here. Write ports = "20000-29999".
  }
}
