# Blocks that may stand once.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
  media {
    ports = "20000-29999"
  }
  media { # ERROR: Block given twice: There is a media block in line 5 already. Put everything in one.
    ports = "30000-39999"
  }
}
limits {
  media_timeout = "60" # ERROR: Not a time: "60" is no time. A time is a number with its unit: "90s", "5m", "2h" or "never".
}
limits { # ERROR: Block given twice: There is a limits block in line 12 already. Put everything in one.
  call_lenght = "3h" # ERROR: Unsupported argument: An argument named "call_lenght" is not expected here. Did you mean "call_length"?
}
