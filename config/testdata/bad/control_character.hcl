# Control characters would break the line of a message.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
  topology {
    user_agent = "edge\r\nX-Evil: 1" # ERROR: Control character: "user_agent" holds the character '\r', which may stand in no value.
    add        = { X-A = "a\u0000b" } # ERROR: Control character: "X-A" holds the character '\x00', which may stand in no value.
    mask       = "voice\t.example" # ERROR: Control character: "mask" holds the character '\t', which may stand in no value.
  }
}
realm "inside" {
  address = "192.168.1.1"
  listen "udp" {}
  topology {
    user_agent = "edge\u202e" # ERROR: Control character: "user_agent" holds the character '\u202e', which may stand in no value.
  }
}
