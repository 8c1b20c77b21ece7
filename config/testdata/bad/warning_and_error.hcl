# Not wrong, but hardly meant; the one error lets all be shown.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}
peer "itsp" {
  realm  = realm.outside
  target = "sip:198.51.100.10"
}

limits {
  media_timeout = "5m"
  held_timeout  = "1m" # WARNING: Held calls end first: A held call would end after 1m of silence, one that is not held after 5m.
  calls         = -1 # ERROR: Out of range: "calls" is a whole number from 1 to 1000000.
}
