package main

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"sbc/policy/digest"
	"sbc/signaling/sip"
)

// A pace is how often package digest does something in a second of one core.
type pace struct {
	algorithm             digest.Algorithm
	challenges, verifying float64
}

// Ours: of each measurement in this process.
const paceLength = 300 * time.Millisecond

// paces measures challenges and the checks of wrong credentials in this process:
// what is left when the messages around them cost nothing.
func paces() (list []pace, err error) {
	src := netip.MustParseAddr("192.0.2.7")
	for _, a := range []digest.Algorithm{digest.MD5, digest.SHA256, digest.SHA512t256} {
		user, err := digest.NewUser("1000", "voice.example", password)
		if err != nil {
			return nil, err
		}
		r, err := digest.NewRealm(digest.Options{Name: "voice.example", Users: []digest.User{user}, Algorithms: []digest.Algorithm{a},
			Nonces: digest.NewNonces([32]byte{1}, 0)})
		if err != nil {
			return nil, err
		}
		rnd, dst := rand.New(rand.NewPCG(1, 2)), make([]byte, 0, 1024)
		p := pace{algorithm: a}
		if p.challenges, err = perSecond(func() error { dst = r.Challenge(dst[:0], 0, rnd, src, digest.Agent, false); return nil }); err != nil {
			return nil, err
		}
		q, err := wrongly(between(dst, `nonce="`, `"`), a, src)
		if err != nil {
			return nil, err
		}
		p.verifying, err = perSecond(func() error {
			if v := r.Check(0, q).Verdict; v != digest.Wrong {
				return fmt.Errorf("wrong credentials are %v", v)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

// wrongly is a REGISTER with a right nonce and a wrong response.
func wrongly(nonce []byte, a digest.Algorithm, src netip.Addr) (q digest.Query, err error) {
	q = digest.Query{Msg: new(sip.Message), Source: src}
	return q, q.Msg.Parse(fmt.Appendf(nil, "REGISTER sip:voice.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKx\r\n"+
		"From: <sip:1000@voice.example>;tag=f\r\nTo: <sip:1000@voice.example>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\nMax-Forwards: 70\r\n"+
		"Authorization: Digest username=\"1000\", realm=\"voice.example\", nonce=%q, uri=\"sip:voice.example\", response=\"%0*d\", "+
		"algorithm=%v, cnonce=\"0a4f113b\", qop=auth, nc=00000001\r\nContent-Length: 0\r\n\r\n", nonce, digits(a), 0, a))
}

// digits is the length of a response.
func digits(a digest.Algorithm) int {
	if a == digest.MD5 {
		return 32
	}
	return 64
}

// perSecond returns how often f runs in a second of processor time.
func perSecond(f func() error) (float64, error) {
	used, err := ownCPU()
	if err != nil {
		return 0, err
	}
	for n := 0; ; {
		for range 1000 {
			if err := f(); err != nil {
				return 0, err
			}
		}
		n += 1000
		now, err := ownCPU()
		if err != nil {
			return 0, err
		}
		if took := now - used; took >= paceLength {
			return float64(n) / took.Seconds(), nil
		}
	}
}
