# Bodies that a rule cannot be about.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
  topology {
    bodies {
      pass   = ["text/plain", "Application/SDP"] # ERROR: Unusable rule for a body: Body "Application/SDP" belongs to the call: its addresses and ports are ours.
      remove = ["isup", "application/*", "multipart/mixed", "TEXT/plain", "application/sdp", "application/isup", "application/ISUP", "application/isup; version=itu-t92+"] # ERROR: Unusable rule for a body: Body "isup" is no media type, like application/isup. # ERROR: Unusable rule for a body: Body "application/*" is no media type, like application/isup. # ERROR: Unusable rule for a body: Body "multipart/mixed" has no contents of its own: name the types of its parts. # ERROR: Unusable rule for a body: Body "TEXT/plain" is told to pass and to be removed, see sbc.hcl:7. # ERROR: Unusable rule for a body: Body "application/sdp" belongs to the call: its addresses and ports are ours. # ERROR: Named twice: "application/ISUP" stands in this list already. Take one of them out. # ERROR: Unusable rule for a body: Body "application/isup; version=itu-t92+" is no media type, like application/isup.
    }
  }
}
realm "inside" {
  address = "192.168.1.1"
  listen "udp" {}
  topology {
    bodies { # ERROR: Empty bodies: A bodies block without keys changes nothing. Write pass or remove in it, or leave it out.
    }
    bodies { # ERROR: Block given twice: There is a bodies block in line 16 already. Put everything in one.
      remove = "application/isup"
    }
  }
}
realm "third" {
  address = "192.168.2.1"
  listen "udp" {}
  topology {
    bodies {
      remove = "application/isup" # ERROR: Not a list: "remove" is a list: write remove = ["application/isup"].
      drop   = ["application/qsig"] # ERROR: Unsupported argument: An argument named "drop" is not expected here. What may stand here: pass, remove.
    }
  }
}
