# Names must be fit for references.
realm "out side" { # ERROR: Unusable name: "out side" cannot be referred to as realm.NAME. A name begins with a letter and has letters, digits, _ and -, at most 32.
  address = "203.0.113.7"
  listen "udp" {}
}
realm "" { # ERROR: Unusable name: "" cannot be referred to as realm.NAME. A name begins with a letter and has letters, digits, _ and -, at most 32.
  address = "203.0.113.8"
  listen "udp" {}
}
realm "1st" { # ERROR: Unusable name: "1st" cannot be referred to as realm.NAME. A name begins with a letter and has letters, digits, _ and -, at most 32.
  address = "203.0.113.9"
  listen "udp" {}
}
realm "a-name-that-is-far-too-long-for-a-table" { # ERROR: Unusable name: "a-name-that-is-far-too-long-for-a-table" cannot be referred to as realm.NAME. A name begins with a letter and has letters, digits, _ and -, at most 32.
  address = "203.0.113.10"
  listen "udp" {}
}
