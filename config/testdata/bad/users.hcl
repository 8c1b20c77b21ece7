# Who cannot prove who he is, or need not.
realm "outside" {
  address = "203.0.113.7"
  listen "udp" {}
}
realm "inside" {
  address = "192.168.1.1"
  listen "udp" {}
}
peer "pbx" {
  realm  = realm.inside
  target = "sip:192.168.1.10"
}
peer "bare" { # ERROR: Peer without a user: Who registers has to prove who it is: write user "bare" { password = file("/etc/sbc/bare") } in it.
  realm     = realm.outside
  domain    = "voice.example"
  registers = true
}
peer "here" {
  realm     = realm.outside
  domain    = "voice.example"
  registers = true
  target    = "sip:198.51.100.10" # ERROR: Place given twice: The peer registers, and is where that comes from: take out target, or registers.
  sources   = ["198.51.100.0/24"] # ERROR: Place given twice: The peer registers, and is where that comes from: take out sources, or registers.
  user "here" {
    password = env("SBC_TEST_SECRET")
  }
}
peer "nowhere" {
  realm     = realm.outside
  registers = true
  user "nowhere" { # ERROR: User without a domain: The peer proves to be this user of a domain of ours: write domain = "voice.example", what it has behind the @ of its account.
    password = env("SBC_TEST_SECRET")
  }
}
peer "double" {
  realm     = realm.outside
  domain    = "voice.example"
  registers = true
  user "one" {
    password = env("SBC_TEST_SECRET")
  }
  user "two" { # ERROR: Two users: A peer is one user. Make this one a peer of its own.
    password = env("SBC_TEST_SECRET")
  }
}
endpoints "empty" { # ERROR: Nobody can register: Without `to` they register here, and there is no user. Write user "100" { password = file("/etc/sbc/100") } in it, or to = peer.NAME.
  realm  = realm.outside
  domain = "empty.example"
}
endpoints "relayed" {
  realm  = realm.outside
  domain = "relayed.example"
  to     = peer.pbx
  users  = "/etc/sbc/users" # ERROR: User of somebody else's registrar: A file of users is for endpoints that register here. These register with a peer, which knows who may: take it out, or take out `to`.
  user "100" { # ERROR: User of somebody else's registrar: A user is for endpoints that register here. These register with a peer, which knows who may: take it out, or take out `to`.
    password = env("SBC_TEST_SECRET")
  }
  auth { # ERROR: User of somebody else's registrar: auth is for endpoints that register here. These register with a peer, which knows who may: take it out, or take out `to`.
    algorithms = ["MD5"]
  }
}
endpoints "phones" {
  realm  = realm.outside
  domain = "voice.example"
  users  = "testdata/none" # ERROR: Users cannot be read: Stat testdata/none: no such file or directory.
  user "here" { # ERROR: User named twice: There is a user "here" of voice.example already. Give this one another name.
    password = env("SBC_TEST_SECRET")
  }
  user "clear" {
    password = "secret" # ERROR: Not a secret: "password" is a secret, which does not stand here: write password = file("/etc/sbc/password"), or env("NAME") for one in the environment.
  }
  user "both" { # ERROR: Two secrets: Write either password or ha1, not both.
    password = env("SBC_TEST_SECRET")
    ha1      = "0123456789abcdef0123456789abcdef"
  }
  user "neither" { # ERROR: Missing required argument: The key "password" is required here: write password = file("/etc/sbc/neither").
  }
  user "short" { # ERROR: Unusable user: User "short": the HA1 for MD5 is not 32 hexadecimal digits.
    ha1 = "0123"
  }
  auth {
    algorithms = ["SHA-1"] # ERROR: Unknown algorithm: "SHA-1" is none. They are: "SHA-512-256", "SHA-256", "MD5".
    nonce_age  = "1s" # ERROR: Out of range: "nonce_age" is from "10s" to "1h".
  }
}
route "in" {
  from = [endpoints.phones]
  to   = [endpoints.relayed] # ERROR: Endpoints of another registrar: endpoints.relayed register with a peer, which knows where they are: send the call to that peer.
}
