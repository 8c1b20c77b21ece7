# A TURN service that cannot be.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}
turn { # ERROR: Ports of media: Ports 20100-20199 are those of realm "outside"'s media, 20000-29999. Write ports = "50000-50999" or another range.
  realm  = realm.outside
  domain = "voice.example"
  port   = 5061
  ports  = "20100-20199"
  secret = "hush" # ERROR: Not a secret: "secret" is a secret, which does not stand here: write secret = file("/etc/sbc/secret"), or env("NAME") for one in the environment.
  users  = {
    alice = env("SBC_TEST_NOTHING") # ERROR: No such secret: The environment has no variable SBC_TEST_NOTHING.
    bob   = file("/nonexistent/bob") # ERROR: Secret cannot be read: Open /nonexistent/bob: no such file or directory.
  }
}
