# Fields.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}
peer "itsp" {
  realm  = realm.outside
  target = "sip:198.51.100.10"
}

route "a" {
  from = [peer.itsp]
  match {
    field = ["X-A"] # ERROR: Not an object: "field" is an object: write field = { X-Account = "^gold$" }.
  }
  to = [peer.itsp]
}
route "b" {
  from = [peer.itsp]
  match {
    field = {
      "X A" = "b" # ERROR: Not a field name: "X A" is no name of a header field. Write one like X-Account.
      X-B   = "" # ERROR: Empty pattern: An empty pattern matches everything. Leave the key out instead.
      X-C   = 4 # ERROR: Wrong type: "X-C" is a string, not a number: write field = { X-Account = "^gold$" }.
    }
  }
  to = [peer.itsp]
}
