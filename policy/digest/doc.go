// Package digest is the server's side of digest authentication in SIP: RFC
// 3261 section 22, RFC 7616 and RFC 8760.
//
// A [Realm] is compiled once from [Options] and does not change. It writes
// challenges ([Realm.Challenge]) and judges the credentials of requests
// ([Realm.Check]). What lasts longer than a configuration is in [Nonces]: the
// key of the process and the table against replays, in fixed memory and
// without a lock. All shards share one.
//
// A challenge leaves nothing behind: the nonce itself says when it was made
// and for which source, so that a flood of requests without credentials costs
// no memory and evicts nobody. Only credentials that have proved the password
// write into the table.
//
// A user who does not exist is not to be told from a wrong password: both get
// the same verdict, after the same work.
//
// Passwords are not kept, and what is computed from them does not print.
//
// ACK and CANCEL cannot be challenged (RFC 3261 section 22.1) and must not be
// checked: they carry the credentials of their INVITE, or none.
package digest
