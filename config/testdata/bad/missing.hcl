# What must be there.
realm "outside" { # ERROR: Realm without address: Say where realm "outside" is: write address = "203.0.113.7" or interface = "eth0". # ERROR: Realm without listener: Nothing would arrive in realm "outside". Write listen "udp" {} in it.
}
peer "itsp" { # ERROR: Missing required argument: The key "realm" is required here: write realm = realm.NAME. # ERROR: Missing required argument: The key "target" is required here: write target = "sip:192.0.2.10".
}
route "in" { # ERROR: Missing required argument: The key "from" is required here: write from = [peer.NAME]. # ERROR: Missing required argument: The key "to" is required here: write to = [peer.NAME].
}
