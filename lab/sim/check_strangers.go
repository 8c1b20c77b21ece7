package sim

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"

	"sbc/lab/ua"
	"sbc/signaling/b2bua"
	"sbc/signaling/sip"
)

// intruders holds that what a stranger does where phones register changes
// nothing: it gets an answer to a REGISTER that binds nothing, 481 where it
// knows our tag, and else silence; and nothing of it goes to a phone.
type intruders struct{ watch }

const nothingChanges = "21 a stranger changes nothing"

func (c *intruders) after(s *step) {
	if c.w.o.Phones == 0 || s.in == nil || s.in.from >= 0 {
		return
	}
	for _, m := range s.out {
		switch {
		case m.err != nil:
		case s.in.request(sip.REGISTER) && m.request(sip.REGISTER): // the PBX says whether it may
		case !m.sip.IsRequest() && m.tx.branch == s.in.tx.branch && m.from >= len(neighbours): // a copy is answered as what it copies, to who sent that
		case !m.sip.IsRequest() && m.tx == s.in.tx && m.flow.Remote.Addr() == s.in.flow.Remote.Addr() && mayHear(m):
		default:
			c.w.fail(nothingChanges, "%v led to %v", s.in, m)
		}
	}
}

// mayHear reports whether a response may go to a stranger.
func mayHear(m *message) bool {
	return m.sip.Method() == sip.REGISTER && (m.sip.Status() == 100 || m.sip.Status() >= 300) || m.sip.Status() == 481
}

func (c *intruders) out(m *message) {
	if m.from < 0 && m.response(sip.REGISTER, 200, 299) {
		c.w.fail(nothingChanges, "a stranger registered: %v", m)
	}
}

// strange is where intruders are.
var strange = netip.MustParseAddrPort("192.0.2.77:5060")

// intrusions are what strangers try where phones register.
var intrusions = []func(w *world, a *actor, r *rand.Rand) (b []byte, listener int, src netip.AddrPort){
	// Take a phone's address-of-record.
	func(w *world, a *actor, r *rand.Rand) ([]byte, int, netip.AddrPort) {
		return w.register(a.at.name, "<sip:thief@192.0.2.77>", "Expires: 600\r\n"), outside, strange
	},
	// Take back what it has registered.
	func(w *world, a *actor, r *rand.Rand) ([]byte, int, netip.AddrPort) {
		return w.register(a.at.name, "*", "Expires: 0\r\n"), outside, strange
	},
	// The same with its own Contact.
	func(w *world, a *actor, r *rand.Rand) ([]byte, int, netip.AddrPort) {
		return w.register(a.at.name, "<"+a.agent.Contact()+">", "Expires: 0\r\n"), outside, strange
	},
	// What it sent itself and what has come, from elsewhere.
	func(w *world, a *actor, r *rand.Rand) ([]byte, int, netip.AddrPort) {
		return bytes.Clone(w.bindings.last[a.at.name]), outside, strange
	},
	// The same as another's: the digest says nothing of these names.
	func(w *world, a *actor, r *rand.Rand) ([]byte, int, netip.AddrPort) {
		b := bytes.Replace(w.bindings.last[a.at.name], []byte("Call-ID: "), []byte("Call-ID: thief"), 1)
		return bytes.Replace(b, []byte("branch=z9hG4bK"), []byte("branch="+forgedBranch), 1), outside, strange
	},
	// Call a phone past the PBX: by its user, its Contact, its token.
	func(w *world, a *actor, r *rand.Rand) ([]byte, int, netip.AddrPort) {
		target := []string{"sip:" + a.at.name + "@" + voiceDomain, a.agent.Contact()}[r.IntN(2)]
		if b := w.bindings.of(a.at.name); b != nil && r.IntN(2) == 0 {
			target = "sip:" + b.token + "@" + listeners[outside].addr.String()
		}
		return w.request("INVITE", target, strange), outside, strange
	},
	// Guess a token, inside.
	func(w *world, a *actor, r *rand.Rand) ([]byte, int, netip.AddrPort) {
		b := w.bindings.of(a.at.name)
		if b == nil || len(b.token) == 0 {
			return nil, 0, strange
		}
		token := []byte(b.token)
		token[1+r.IntN(len(token)-1)] = 'a' + byte(r.IntN(8))
		return w.request("INVITE", "sip:"+string(token)+"@"+listeners[inside].addr.String(), strangers[inside]), inside, strangers[inside]
	},
	// End a phone's call, with all that names it, from another flow.
	func(w *world, a *actor, r *rand.Rand) ([]byte, int, netip.AddrPort) {
		if !bytes.HasPrefix(a.said, []byte("ACK ")) && !bytes.HasPrefix(a.said, []byte("INFO ")) {
			return nil, 0, strange
		}
		b := bytes.ReplaceAll(bytes.Replace(a.said, []byte("ACK "), []byte("BYE "), 1), []byte(" ACK\r\n"), []byte("9 BYE\r\n"))
		return bytes.Replace(b, []byte("branch=z9hG4bK"), []byte("branch="+forgedBranch), 1), outside, strange
	},
}

// intrude lets a stranger try something.
func (w *world) intrude(kind int, r *rand.Rand) {
	a := w.phones[r.IntN(len(w.phones))]
	if a.down {
		return
	}
	b, listener, src := intrusions[kind](w, a, r)
	if b == nil {
		return
	}
	w.report.Strange++
	w.note("a stranger tries the %dth", kind)
	w.arrive(listener, src, b)
}

// register is a REGISTER of a stranger.
func (w *world) register(user, contact, more string) []byte {
	w.scan.serial++
	return fmt.Appendf(nil, "REGISTER sip:%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=%s;rport\r\nMax-Forwards: 70\r\nFrom: <sip:%s@%s>;tag=thief\r\n"+
		"To: <sip:%s@%s>\r\nCall-ID: thief%d\r\nCSeq: 1 REGISTER\r\nContact: %s\r\n%sContent-Length: 0\r\n\r\n",
		voiceDomain, strange, w.scan.branch(), user, voiceDomain, user, voiceDomain, w.scan.serial, contact, more)
}

// request is a request of a stranger.
func (w *world) request(method, target string, src netip.AddrPort) []byte {
	w.scan.serial++
	return fmt.Appendf(nil, "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=%s;rport\r\nMax-Forwards: 70\r\nFrom: <sip:thief@%s>;tag=thief\r\n"+
		"To: <%s>\r\nCall-ID: thief%d\r\nCSeq: 1 %s\r\nContact: <sip:thief@%s>\r\nContent-Length: 0\r\n\r\n",
		method, target, src, w.scan.branch(), src, target, w.scan.serial, method, src)
}

// left holds that nothing is left of bindings when their time is over.
type left struct {
	watch
	flows []b2bua.Flow // by which a phone registered
}

const noneLeft = "22 no binding outlives its time"

func (c *left) out(m *message) {
	if m.response(sip.REGISTER, 200, 299) && m.from >= len(neighbours) && !slices.Contains(c.flows, m.flow) {
		c.flows = append(c.flows, m.flow)
	}
}

func (c *left) end() {
	if n := len(c.w.kept); n > 0 {
		c.w.fail(noneLeft, "%d records are kept", n)
	}
	for _, f := range c.flows {
		if c.w.shards[0].Bound(f) {
			c.w.fail(noneLeft, "%v is taken for that of a phone", f)
		}
	}
}

// unbound holds that the PBX does not lose a phone that refreshes: it hears a
// REGISTER before its own time is over.
func (w *world) unbound(e ua.Event) {
	a := w.named(e.User)
	if a == nil || a.down || a.phone.off || w.perfect || !w.o.calm() || !bytes.HasSuffix([]byte(e.Text), []byte(" lapsed")) {
		return
	}
	w.fail(staysBound, "%s lost %s", e.User, e.Text)
}

const staysBound = "23 the PBX hears of a phone in time"
