package main

import (
	"bytes"
	"math/rand/v2"
	"strconv"
)

const (
	grantedMost  = 1800 // seconds that the PBX grants
	grantedLeast = 60
)

// A pbx grants every REGISTER.
type pbx struct {
	rand      *rand.Rand
	bindings  map[string]string // the Contact that was last granted, by address-of-record
	registers int
	buf       []byte
}

func newPBX() *pbx {
	return &pbx{rand: rand.New(rand.NewPCG(1, 2)), bindings: map[string]string{}}
}

// answer returns the response to a request, valid until the next.
func (p *pbx) answer(m []byte) []byte {
	if !bytes.HasPrefix(m, []byte("REGISTER ")) {
		p.buf = appendAnswer(p.buf[:0], m, nil)
		return p.buf
	}
	p.registers++
	aor := string(field(m, "To"))
	contact, _, _ := bytes.Cut(field(m, "Contact"), []byte(";expires="))
	granted := grantedMost
	if _, known := p.bindings[aor]; !known {
		granted = grantedLeast + p.rand.IntN(grantedMost-grantedLeast)
	}
	p.bindings[aor] = string(contact)
	lines := append(append([]byte("Contact: "), contact...), ";expires="...)
	lines = append(strconv.AppendInt(lines, int64(granted), 10), "\r\n"...)
	p.buf = appendAnswer(p.buf[:0], m, lines)
	return p.buf
}
