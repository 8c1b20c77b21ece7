# Ranges of ports.
realm "a" {
  address = "203.0.113.1"
  listen "udp" {}
  media {
    ports = "20001-29999" # ERROR: Odd first port: RTP takes an even port and RTCP the odd one above it. Write "20000-29999".
  }
}
realm "b" {
  address = "203.0.113.2"
  listen "udp" {}
  media {
    ports = "20000" # ERROR: Not a range of ports: "20000" is no range. A range is two ports from 1024 to 65535: "20000-29999".
  }
}
realm "c" {
  address = "203.0.113.3"
  listen "udp" {}
  media {
    ports = "30000-20000" # ERROR: Range of ports too small: A call needs at least a pair of ports, and the lower one stands first: "20000-29999".
  }
}
realm "d" {
  address = "203.0.113.4"
  listen "udp" {}
  media {
    ports = "20000-70000" # ERROR: Not a range of ports: "20000-70000" is no range. A range is two ports from 1024 to 65535: "20000-29999".
  }
}
realm "e" {
  address = "203.0.113.5"
  listen "udp" {}
  media {
    ports = "80-1000" # ERROR: Privileged ports: Ports below 1024 are not for media. Begin at 1024 or above: "20000-29999".
  }
}
realm "f" {
  address = "203.0.113.6"
  listen "udp" {}
  media {
    ports = "20000-20000" # ERROR: Range of ports too small: A call needs at least a pair of ports, and the lower one stands first: "20000-29999".
  }
}
realm "g" {
  address = "203.0.113.7"
  listen "udp" {}
  media {
    ports = "-" # ERROR: Not a range of ports: "-" is no range. A range is two ports from 1024 to 65535: "20000-29999".
  }
}
