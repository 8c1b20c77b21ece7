package b2bua

import (
	"bytes"

	"sbc/signaling/ident"
	"sbc/signaling/sip"
	"sbc/topology"
)

// Replaces, Join, Target-Dialog and bodies name dialogs. What one side calls
// by its own identifiers, the other must know by others, and when it uses them
// we must know what it means:
//
//   - an INVITE that replaces or joins a dialog of ours goes to the far end of
//     its other leg, and names it by the identifiers of that leg;
//   - Target-Dialog names a dialog of its reader, by the identifiers of the
//     reader's leg;
//   - in anything else a dialog of ours has an alias: our own tag stays, Call-ID
//     and the far tag are made from it. That needs no memory, and an INVITE that
//     uses it finds the shard of the call that it names by the tag;
//   - a dialog behind one side that we have no part in gets an alias that is
//     remembered.

// A foreign is a dialog that we have no part in, as its own side names it.
type foreign struct {
	realm, peer            int
	callID, toTag, fromTag string
	uri                    string // where its end is, as its side says; "": it did not say
}

// Ours: the dialogs of a PBX with a thousand busy lamps, and the transfers of
// the time that an INVITE needs to follow.
const foreignsMax = 4096

// foreigns are remembered until others take their place.
type foreigns struct {
	by     map[uint64]foreign // by the serial of the alias
	serial map[foreign]uint64
	order  []uint64 // a ring, oldest at next
	next   int
}

// alias returns the serial by which f is known.
func (c *Calls) alias(f foreign) uint64 {
	all := &c.foreign
	if n, ok := all.serial[f]; ok {
		return n
	}
	n := c.opt.Rand.Uint64()
	if all.by == nil {
		all.by, all.serial = map[uint64]foreign{}, map[foreign]uint64{}
	}
	if len(all.order) < foreignsMax {
		all.order = append(all.order, n)
	} else {
		old := all.order[all.next]
		delete(all.serial, all.by[old])
		delete(all.by, old)
		all.order[all.next] = n
		all.next = (all.next + 1) % foreignsMax
	}
	all.by[n], all.serial[f] = f, n
	return n
}

// A reader is for whom the message in hand is written.
type reader struct {
	pair *pair
	to   Side
	acts bool // it is an INVITE: the reader is the one to replace or join
}

// dialogName is topology.Leg.Dialog for the reader in hand.
func (c *Calls) dialogName(n topology.DialogName) (topology.DialogName, bool) {
	p, to := c.work.reader.pair, c.work.reader.to
	l := &p.legs[to]
	if n.Own {
		return c.ownName(n, l)
	}
	if o := c.farEnd(n); c.work.reader.acts && o != nil {
		c.allowName(p.call, to, o)
		return topology.DialogName{CallID: o.callID, ToTag: o.remoteTag, FromTag: o.localTag}, o.realm == l.realm && o.peer == l.peer
	}
	if f, ok := c.remembered(n); ok {
		// What came from there under an alias goes back as it is called there.
		return topology.DialogName{CallID: []byte(f.callID), ToTag: []byte(f.toTag), FromTag: []byte(f.fromTag)}, f.realm == l.realm
	}
	if id, ok := c.opt.IDs.Read(tagKind, n.ToTag); ok {
		return c.aliased(id, n, n.ToTag, nil), true
	}
	if id, ok := c.opt.IDs.Read(tagKind, n.FromTag); ok {
		return c.aliased(id, n, nil, n.FromTag), true
	}
	from := &p.legs[to.other()]
	id := ident.ID{Shard: p.call.shard, Serial: c.alias(foreign{from.realm, from.peer, string(n.CallID), string(n.ToTag), string(n.FromTag), string(n.At)})}
	return c.aliased(id, n, c.opt.IDs.Append(nil, ident.Tag, id), nil), true
}

// ownName returns the name that a dialog has for the far end of l, if that is
// one of its ends.
func (c *Calls) ownName(n topology.DialogName, l *leg) (topology.DialogName, bool) {
	named, of, side, swapped := c.ours(n)
	if named == nil {
		return topology.DialogName{}, false
	}
	o := &of.legs[side.other()]
	c.allowName(c.work.reader.pair.call, c.work.reader.to, o)
	name := topology.DialogName{CallID: o.callID, ToTag: o.remoteTag, FromTag: o.localTag}
	if swapped {
		name.ToTag, name.FromTag = name.FromTag, name.ToTag
	}
	return name, o.realm == l.realm && o.peer == l.peer && len(o.remoteTag) > 0
}

// allowName lets a side see the host in the Call-ID of a dialog that is its
// own, though the other side of this call has named that host too.
func (c *Calls) allowName(call *Call, to Side, own *leg) {
	if i := bytes.LastIndexByte(own.callID, '@'); i >= 0 && own.peer == call.legs[to].peer {
		call.guards[to].knows().Allow(own.callID[i+1:])
	}
}

// aliased writes the alias of id. to or from is the tag that carries it; a tag
// that n does not have, the alias has not either.
func (c *Calls) aliased(id ident.ID, n topology.DialogName, to, from []byte) topology.DialogName {
	far := ident.ID{Serial: ^id.Serial, Shard: id.Shard}
	if to == nil && len(n.ToTag) > 0 {
		to = c.opt.IDs.Append(nil, ident.Tag, far)
	}
	if from == nil && len(n.FromTag) > 0 {
		from = c.opt.IDs.Append(nil, ident.Tag, far)
	}
	return topology.DialogName{CallID: c.opt.IDs.Append(nil, ident.CallID, id), ToTag: to, FromTag: from}
}

// remembered returns the dialog for which n is the alias.
func (c *Calls) remembered(n topology.DialogName) (foreign, bool) {
	id, ok := c.opt.IDs.Read(ident.CallID, n.CallID)
	if !ok {
		return foreign{}, false
	}
	f, ok := c.foreign.by[id.Serial]
	return f, ok
}

// farEnd returns the leg whose far end is told of by n, the name of a dialog of
// ours in its own identifiers or by its alias: where our tag is that of who is
// told, it is the one of the other leg. nil: there is none.
func (c *Calls) farEnd(n topology.DialogName) *leg {
	l, p, side, swapped := c.ours(n)
	if l == nil {
		return nil
	}
	if !swapped {
		l = &p.legs[side.other()]
	}
	if len(l.remoteTag) == 0 || len(l.target) == 0 {
		return nil
	}
	return l
}

// ours returns the leg of ours that n names. swapped: our tag is not that of
// who is told of.
func (c *Calls) ours(n topology.DialogName) (l *leg, p *pair, side Side, swapped bool) {
	our, far := n.ToTag, n.FromTag
	id, ok := c.opt.IDs.Read(tagKind, our)
	ref, lives := c.legs[id.Serial]
	if !ok || !lives {
		our, far, swapped = n.FromTag, n.ToTag, true
		id, ok = c.opt.IDs.Read(tagKind, our)
		ref, lives = c.legs[id.Serial]
	}
	if !ok || !lives {
		return nil, nil, A, false
	}
	alias, isAlias := c.opt.IDs.Read(ident.CallID, n.CallID)
	isAlias = isAlias && alias.Serial == id.Serial
	ref.call.pairs(func(x *pair) {
		is := &x.legs[ref.side]
		known := isAlias || string(is.callID) == string(n.CallID) && (len(far) == 0 || string(is.remoteTag) == string(far))
		if l == nil && known && string(is.localTag) == string(our) {
			l, p = is, x
		}
	})
	return l, p, ref.side, swapped
}

// callIDName is topology.Leg.CallIDs for the reader in hand: of Call-IDs that
// stand alone, those of this very call are known.
func (c *Calls) callIDName(id []byte) ([]byte, bool) {
	p, to := c.work.reader.pair, c.work.reader.to
	if string(id) == string(p.legs[to.other()].callID) {
		return p.legs[to].callID, true
	}
	return nil, false
}

// A Named is where an INVITE has to go because it names a dialog.
type Named struct {
	Peer int
	Flow Flow   // of the far end of that dialog; the zero Flow: as URI or the peer says
	URI  []byte // its remote target; nil: as the route says
}

// Named returns where an INVITE with Replaces or Join has to go: to the far
// end of the dialog that it names. ok is false without such a field. A Refusal
// says that there is no such dialog (RFC 3891 section 3, RFC 3911 section 4).
func (c *Calls) Named(m *sip.Message) (to Named, ok bool, r *Refusal) {
	f, ok := m.First(sip.FieldReplaces)
	if join, both := m.First(sip.FieldJoin); ok && both {
		return Named{}, true, &Refusal{Status: 400, Reason: "Replaces And Join", Cause: "syntax"} // RFC 3911 section 4
	} else if both {
		f, ok = join, true
	}
	if !ok {
		return Named{}, false, nil
	}
	d, err := sip.ParseDialogID(m.Raw, f.Value)
	if err != nil {
		return Named{}, true, &Refusal{Status: 400, Reason: "Bad " + f.ID.String(), Cause: "syntax"}
	}
	n := topology.DialogName{CallID: m.Bytes(d.CallID), ToTag: m.Bytes(d.ToTag), FromTag: m.Bytes(d.FromTag)}
	if o := c.farEnd(n); o != nil {
		return Named{Peer: o.peer, Flow: o.next, URI: append([]byte(nil), o.target...)}, true, nil
	}
	if f, ok := c.remembered(n); ok {
		named := Named{Peer: f.peer}
		if f.uri != "" {
			named.URI = []byte(f.uri)
		}
		return named, true, nil
	}
	return Named{}, true, &Refusal{Status: 481, Cause: "no_dialog"}
}
