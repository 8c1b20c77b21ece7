package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"sbc/bench/machine"
	"sbc/bench/world"
)

// A question is a REGISTER that a registrar answers with 401.
type question uint8

// The questions.
const (
	unasked question = iota // without credentials: it costs a challenge
	wrong                   // with a wrong password, and a nonce that is right
	questions
)

var questionNames = [questions]string{"without credentials", "with wrong credentials"}

func (q question) String() string { return questionNames[q] }

// Ours:
const (
	inFlight  = 64                     // questions at a time: a socket's buffer has room for all
	quiet     = 100 * time.Millisecond // after which what had no answer is given up
	heatUp    = 500 * time.Millisecond // before it counts
	askLength = 2 * time.Second
	rounds    = 3    // of each measurement; the median counts
	homes     = 2048 // addresses that ask
)

// homeNet has the addresses that ask.
var homeNet = netip.MustParsePrefix("10.64.0.0/16")

// answers is what a registrar answered.
type answers struct {
	subject  subject
	question question
	n        int
	cpu      time.Duration
	took     time.Duration
}

// rate is how many answers it gives in a second of one core.
func (a *answers) rate() float64 { return float64(a.n) / a.cpu.Seconds() }

// register asks a fresh registrar as fast as it answers.
func register(ctx context.Context, s subject, q question, o options, dir string) (a answers, err error) {
	a = answers{subject: s, question: q}
	w, err := newWorld(dir)
	if err != nil {
		return a, err
	}
	defer w.Close()
	p, err := s.startRegistrar(w, o)
	if err != nil {
		return a, err
	}
	// What lo has with a prefix is local as a whole.
	if err := w.ITSP.AddAddr("lo", homeNet); err != nil {
		return a, err
	}
	k, err := world.Open(w.ITSP, sipAt(netip.IPv4Unspecified()))
	if err != nil {
		return a, err
	}
	defer k.Close()
	r := &registering{k: k, question: unasked}
	if _, err := r.run(ctx, heatUp); err != nil { // brings a nonce
		return a, fmt.Errorf("%w; it wrote %q", err, tail(p.Output()))
	}
	if r.question = q; q == wrong {
		if _, err := r.run(ctx, heatUp); err != nil {
			return a, err
		}
	}
	before, err := machine.Sum(p.PID(), machine.CPUTime)
	if err != nil {
		return a, err
	}
	began := time.Now()
	if a.n, err = r.run(ctx, min(askLength, o.length)); err != nil {
		return a, err
	}
	a.took = time.Since(began)
	after, err := machine.Sum(p.PID(), machine.CPUTime)
	a.cpu = after - before
	return a, err
}

// registering keeps questions in flight. They come from many addresses, since of
// one the SBC takes a few hundred only.
type registering struct {
	k        *world.Socket
	question question
	asked    int
	nonces   [homes]string // a nonce is good for who got it
	stale    int           // answers which said that a nonce was not taken
	buf      []byte
}

// home is the address that asks the nth question.
func home(n int) netip.Addr {
	a := homeNet.Addr().As4()
	a[2], a[3] = byte(n%homes>>8), byte(n%homes)
	return netip.AddrFrom4(a)
}

// run asks for a time and returns how many answers there were.
func (r *registering) run(ctx context.Context, length time.Duration) (n int, err error) {
	polls := []unix.PollFd{{Fd: int32(r.k.FD), Events: unix.POLLIN}}
	t := unix.NsecToTimespec(quiet.Nanoseconds())
	for end, flying := time.Now().Add(length), 0; ; {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		on := time.Now().Before(end)
		if !on && flying == 0 {
			return n, r.check(n)
		}
		for ; on && flying < inFlight; flying++ {
			if err := r.ask(); err != nil {
				return n, err
			}
		}
		ready, err := unix.Ppoll(polls, &t, nil)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return n, fmt.Errorf("wait for answers: %w", err)
		}
		if ready == 0 {
			flying = 0
		}
		took, err := r.take()
		if err != nil {
			return n, err
		}
		n += took
		flying = max(flying-took, 0)
	}
}

// take takes the answers that have come.
func (r *registering) take() (n int, err error) {
	for {
		d, ok, err := r.k.Receive()
		if err != nil || !ok {
			return n, err
		}
		if status(d.Bytes) != 401 {
			return n, fmt.Errorf("a REGISTER was not answered with 401: %q", d.Bytes)
		}
		n++
		challenge := value(d.Bytes, "WWW-Authenticate")
		if bytes.Contains(challenge, []byte("stale=true")) {
			r.stale++
		}
		i, err := strconv.Atoi(string(between(value(d.Bytes, "Call-ID"), "register-", "@")))
		if err == nil && r.nonces[i%homes] == "" {
			r.nonces[i%homes] = string(between(challenge, `nonce="`, `"`))
		}
	}
}

// check says whether the answers mean what they shall.
func (r *registering) check(n int) error {
	switch {
	case n == 0:
		return errors.New("no REGISTER was answered")
	case r.nonces[0] == "":
		return errors.New("a challenge has no nonce")
	case r.stale > n/100:
		return fmt.Errorf("of %d nonces %d were not taken: no password was looked at", n, r.stale)
	}
	return nil
}

func (r *registering) ask() error {
	credentials := ""
	r.asked++
	if nonce := r.nonces[r.asked%homes]; r.question == wrong && nonce != "" {
		credentials = fmt.Sprintf("Authorization: Digest username=\"1000\", realm=\"voice.example\", nonce=%q, uri=\"sip:voice.example\", "+
			"response=\"6629fae49393a05397450978507c4ef1\", algorithm=MD5, cnonce=\"0a4f113b\", qop=auth, nc=00000001\r\n", nonce)
	}
	at := netip.AddrPortFrom(home(r.asked), sipAt(world.ITSP).Port())
	r.buf = fmt.Appendf(r.buf[:0], "REGISTER sip:voice.example SIP/2.0\r\nVia: SIP/2.0/UDP %v;rport;branch=z9hG4bKr%d\r\nMax-Forwards: 70\r\n"+
		"From: <sip:1000@voice.example>;tag=r%d\r\nTo: <sip:1000@voice.example>\r\nCall-ID: register-%d@load\r\nCSeq: 1 REGISTER\r\n"+
		"Contact: <sip:1000@%v>\r\nExpires: 600\r\nUser-Agent: phone/1.0\r\n%sContent-Length: 0\r\n\r\n",
		at, r.asked, r.asked, r.asked, at, credentials)
	return r.k.SendFrom(at.Addr(), sipAt(world.Outside), r.buf)
}

// registerAll asks the SBC and Kamailio both questions, in turn: what else the
// machine does changes slowly.
func registerAll(ctx context.Context, o options, dir string) (list []answers, err error) {
	for q := range questions {
		for range rounds {
			for _, s := range registrars {
				a, err := register(ctx, s, q, o, dir)
				if err != nil {
					return list, fmt.Errorf("%s: REGISTER %v: %w", s.name(), q, err)
				}
				fmt.Fprintf(os.Stderr, "%s: REGISTER %v: %.0f a second and core\n", s.name(), q, a.rate())
				list = append(list, a)
			}
		}
	}
	return list, nil
}

// registrars are the subjects that are asked. No engine refuses anything there.
var registrars = []subject{ours + "none", kamailio}
