# More times and sizes.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}

limits {
  ring_timeout  = "never" # ERROR: Not a time: "never" is no time. A time is a number with its unit: "90s", "5m" or "2h".
  media_timeout = "1s" # ERROR: Out of range: "media_timeout" is from "5s" to "24h".
}
telemetry {
  trace_memory = "1KiB" # ERROR: Out of range: "trace_memory" is from 1MiB to 4096MiB.
  listen       = "9090" # ERROR: Not an address with a port: "9090" is none. Write listen = "127.0.0.1:9090".
  log_level    = "warning" # ERROR: Unknown word: "log_level" cannot be "warning". It is one of: "debug", "info", "warn", "error".
  log_format   = "jsn" # ERROR: Unknown word: "log_format" cannot be "jsn". Did you mean "json"? It is one of: "auto", "text", "json".
}
