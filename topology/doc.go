// Package topology decides what one realm may learn of another. It is pure:
// a message and a leg in, edits with reasons out.
//
// RFC 7092 calls the whole an SDP-modifying, signaling-plane B2BUA; RFC 5853
// section 3.1 describes what this package does, topology hiding: whoever reads
// a message learns nothing of the network that it came from. An identifier
// that names a place or a dialog is hidden unless a rule of the operator lets
// it pass.
//
// Two parts do the work and do not trust each other:
//
//   - Hide looks at a received message field by field and says what has to be
//     written in its place. What is done to a field stands in one table
//     (hide_fields.go); what is done to a line of a session description stands
//     in another (hide_sdp.go), what is done to other bodies in a third
//     (body.go). Where a message names a dialog, in Replaces or in a body of an
//     event, the leg is asked for the name that the dialog has on its side.
//   - Audit looks at the octets that are about to be sent, whatever wrote them,
//     and finds identifiers that must not be there: addresses in all their
//     spellings, host names, Call-IDs, tags and branches. Scrub takes the field
//     or the part of it out that carries one.
//
// Fields that Hide does not know pass as they came; Audit reads them too.
package topology
