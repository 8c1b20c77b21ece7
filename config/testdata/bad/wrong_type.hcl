# Values of a wrong type.
realm "outside" {
  address = 203 # ERROR: Wrong type: "address" is a string, not a number: write address = "203.0.113.7".
  trust   = "no" # ERROR: Wrong type: "trust" is a bool, not a string: write trust = true or trust = false.
  listen "udp" {
    port = "5060" # ERROR: Wrong type: "port" is a number, not a string: write port = 5060.
  }
  media {
    ports = 20000 # ERROR: Wrong type: "ports" is a string, not a number: write ports = "20000-29999".
  }
  topology {
    pass = [1] # ERROR: Wrong type: "pass" is a string, not a number: write pass = ["Subject"].
    add  = { X-A = true } # ERROR: Wrong type: "X-A" is a string, not a bool: write add = { X-Border = "edge" }.
    mask = null # ERROR: Wrong type: "mask" is a string, not a null: write mask = "voice.example".
  }
}
limits {
  calls         = "many" # ERROR: Wrong type: "calls" is a number, not a string: write calls = 1000.
  media_timeout = 60 # ERROR: Wrong type: "media_timeout" is a string, not a number: write media_timeout = "90s".
}
