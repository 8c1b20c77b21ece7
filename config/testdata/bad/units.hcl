# Times and sizes.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}

limits {
  ring_timeout  = "30" # ERROR: Not a time: "30" is no time. A time is a number with its unit: "90s", "5m" or "2h".
  media_timeout = "1 minute" # ERROR: Not a time: "1 minute" is no time. A time is a number with its unit: "90s", "5m", "2h" or "never".
  held_timeout  = "-5s" # ERROR: Out of range: "held_timeout" is from "5s" to "24h".
  call_length   = "9000h" # ERROR: Out of range: "call_length" is from "1m" to "168h".
}
telemetry {
  trace_memory = "16MB" # ERROR: Not a size: "16MB" is no size. A size is a whole number with its unit: "512KiB", "16MiB" or "1GiB".
}
