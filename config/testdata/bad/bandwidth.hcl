# Less than a call takes.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
  limits {
    bandwidth = "99kbit/s" # ERROR: No room for a call: A line of audio counts as 100 kbit/s, so that none at all would pass. Write bandwidth = "100kbit/s" or more.
  }
}
peer "a" {
  realm  = realm.outside
  target = "sip:198.51.100.10"
  limits {
    bandwidth = "64kbit/s" # ERROR: No room for a call: A line of audio counts as 100 kbit/s, so that none at all would pass. Write bandwidth = "100kbit/s" or more.
  }
}
peer "b" {
  realm  = realm.outside
  target = "sip:198.51.100.11"
  limits {
    bandwidth = "100kbit/s"
  }
}
endpoints "phones" {
  realm  = realm.outside
  domain = "voice.example"
  to     = peer.b
  limits {
    bandwidth = "1kbit/s" # ERROR: No room for a call: A line of audio counts as 100 kbit/s, so that none at all would pass. Write bandwidth = "100kbit/s" or more.
  }
}
